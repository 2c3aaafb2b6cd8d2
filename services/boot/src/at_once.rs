//! How much there may be at once, of all and of one: calls, connections. Nobody waits
//! here: what is too much is refused before anything was done for it.

use std::collections::HashMap;
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
    of: K,
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

    /// Takes a place if there is one.
    pub fn take(&self, of: K) -> Result<Place<K>, Full> {
        let shared = &self.shared;
        let mut places = shared.places();
        let taken = places.of.get(&of).copied().unwrap_or_default();
        if taken >= shared.most_of_one {
            shared.refused_of_one.add_one();
            return Err(Full::One(shared.most_of_one));
        }
        if places.taken >= shared.most {
            shared.refused.add_one();
            return Err(Full::All(shared.most));
        }
        places.taken += 1;
        places.of.insert(of, taken + 1);
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
        if let Some(taken) = places.of.get_mut(&self.of) {
            *taken -= 1;
            if *taken == 0 {
                places.of.remove(&self.of);
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
        let first = calls.take("a").unwrap();
        let second = calls.take("a").unwrap();
        assert_eq!(calls.take("a").unwrap_err(), Full::One(2));
        let other = calls.take("b").unwrap();
        assert_eq!(calls.take("c").unwrap_err(), Full::All(3));
        assert_eq!((calls.taken(), calls.refused()), (3, (1, 1)));
        drop(first);
        drop(calls.take("c").unwrap());
        drop((second, other));
        let places = calls.shared.places();
        assert!(places.taken == 0 && places.of.is_empty(), "{places:?}");
    }
}
