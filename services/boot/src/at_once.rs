//! How much there may be at once, of all and of one: calls, connections,
//! streams, imports. Nobody waits here: what is too much is refused before anything was done
//! for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::telemetry::figures::Count;

/// What there is at once. `K` says whose it is.
#[derive(Debug)]
pub struct AtOnce<K: Eq + Hash + Copy> {
    shared: Arc<Shared<K>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash + Copy> {
    shared: Arc<Shared<K>>,
    of: Option<K>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// There are as many as there may be.
    All(usize),
    /// There are as many of the same as there may be.
    One(usize),
}

#[derive(Debug)]
struct Shared<K> {
    most: usize,
    most_of_one: usize,
    places: Mutex<Places<K>>,
    refused: Count,
    refused_of_one: Count,
}

#[derive(Debug)]
struct Places<K> {
    taken: usize,
    of: HashMap<K, usize>,
}

impl<K: Eq + Hash + Copy> AtOnce<K> {
    /// So many, and so many of one.
    pub fn new(most: usize, most_of_one: usize) -> Self {
        let places = Mutex::new(Places { taken: 0, of: HashMap::new() });
        let (refused, refused_of_one) = (Count::default(), Count::default());
        Self { shared: Arc::new(Shared { most, most_of_one, places, refused, refused_of_one }) }
    }

    /// Takes a place if there is one. What is nobody's counts among all only.
    pub fn take(&self, of: Option<K>) -> Result<Place<K>, Full> {
        let shared = &self.shared;
        let Places { taken, of: by_one } = &mut *shared.places();
        match of.map(|of| by_one.entry(of)) {
            Some(Entry::Occupied(one)) if *one.get() >= shared.most_of_one => {
                shared.refused_of_one.add_one();
                return Err(Full::One(shared.most_of_one));
            }
            _ if *taken >= shared.most => {
                shared.refused.add_one();
                return Err(Full::All(shared.most));
            }
            Some(one) => *one.or_default() += 1,
            None => {}
        }
        *taken += 1;
        Ok(Place { shared: Arc::clone(shared), of })
    }

    /// How many there are.
    pub fn taken(&self) -> usize {
        self.shared.places().taken
    }

    /// How often there was none because of all, and because of one.
    pub fn refused(&self) -> (u64, u64) {
        (self.shared.refused.get(), self.shared.refused_of_one.get())
    }
}

impl<K> Shared<K> {
    fn places(&self) -> MutexGuard<'_, Places<K>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Copy> Clone for AtOnce<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K: Eq + Hash + Copy> Drop for Place<K> {
    fn drop(&mut self) {
        let mut places = self.shared.places();
        places.taken -= 1;
        if let Some(Entry::Occupied(mut one)) = self.of.map(|of| places.of.entry(of)) {
            *one.get_mut() -= 1;
            if *one.get() == 0 {
                one.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_refused_by_its_own_limit_and_all_by_theirs() {
        let calls = AtOnce::new(3, 2);
        let take = |of| calls.take(Some(of));
        let first = take("a").unwrap();
        let second = take("a").unwrap();
        assert_eq!(take("a").unwrap_err(), Full::One(2));
        let other = take("b").unwrap();
        assert_eq!(take("c").unwrap_err(), Full::All(3));
        assert_eq!((calls.taken(), calls.refused()), (3, (1, 1)));
        drop(first);
        drop(take("c").unwrap());
        drop((second, other));
        let nobodys: Vec<_> = (0..3).map(|_| calls.take(None).unwrap()).collect();
        assert_eq!((calls.take(None).unwrap_err(), calls.refused()), (Full::All(3), (2, 1)));
        drop(nobodys);
        let places = calls.shared.places();
        assert!(places.taken == 0 && places.of.is_empty(), "{places:?}");
    }
}
