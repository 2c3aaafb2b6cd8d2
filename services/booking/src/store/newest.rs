//! What the latest look found, where several looks may be under way: one that began
//! earlier and ends later saw an older state and must not be taken for the newer one.
//! What is looked at is not known here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// What was found by the look that began last, among those that have ended.
#[derive(Debug)]
pub struct Newest<T> {
    begun: AtomicU64,
    found: RwLock<Option<(u64, T)>>,
}

/// A look's place among the others.
#[derive(Debug)]
pub struct Place(u64);

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self { begun: AtomicU64::new(0), found: RwLock::new(None) }
    }
}

impl<T: Clone> Newest<T> {
    /// Nothing before a look has ended.
    pub fn get(&self) -> Option<T> {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().map(|(_, found)| found.clone())
    }

    /// Before anything is looked at.
    pub fn begin(&self) -> Place {
        Place(self.begun.fetch_add(1, Ordering::Relaxed))
    }

    /// Keeps what a look has found, unless a later one has ended before. Gives back what
    /// is kept then.
    pub fn keep(&self, Place(own): Place, found: T) -> T {
        let mut kept = self.found.write().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((later, newer)) if *later > own => newer.clone(),
            _ => {
                *kept = Some((own, found.clone()));
                found
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_began_earlier_and_ends_later_changes_nothing() {
        let newest = Newest::default();
        assert_eq!(newest.get(), None);
        let (slow, quick) = (newest.begin(), newest.begin());
        assert_eq!(newest.keep(quick, "new"), "new");
        assert_eq!(newest.keep(slow, "old"), "new", "whoever looked gets the newer one, too");
        assert_eq!(newest.get(), Some("new"));
        assert_eq!(newest.keep(newest.begin(), "newer"), "newer");
        assert_eq!(newest.get(), Some("newer"));
    }

    #[test]
    fn looks_that_end_as_they_began_are_kept_one_after_the_other() {
        let newest = Newest::default();
        let (first, second) = (newest.begin(), newest.begin());
        assert_eq!(newest.keep(first, 1), 1);
        assert_eq!(newest.keep(second, 2), 2);
        assert_eq!(newest.get(), Some(2));
    }
}
