//! How many streams there may be: of a process, and of one that holds them, so that nobody
//! takes the room of the others.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The streams of this process.
#[derive(Debug, Clone)]
pub struct Rooms<K> {
    most: usize,
    most_of_one: usize,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

/// The room of one stream, until it is dropped.
#[derive(Debug)]
pub struct Room<K: Eq + Hash> {
    of: K,
    among: Arc<Mutex<HashMap<K, usize>>>,
}

/// Whose room is taken.
#[derive(Debug, PartialEq, Eq)]
pub enum Full {
    All,
    One,
}

impl<K: Eq + Hash + Clone> Rooms<K> {
    pub fn new(most: usize, most_of_one: usize) -> Self {
        Self { most, most_of_one, taken: Arc::default() }
    }

    pub fn enter(&self, of: K) -> Result<Room<K>, Full> {
        let mut taken = locked(&self.taken);
        if taken.values().sum::<usize>() >= self.most {
            return Err(Full::All);
        }
        let own = taken.entry(of.clone()).or_default();
        if *own >= self.most_of_one {
            return Err(Full::One);
        }
        *own += 1;
        Ok(Room { of, among: Arc::clone(&self.taken) })
    }
}

impl<K: Eq + Hash> Drop for Room<K> {
    fn drop(&mut self) {
        let mut taken = locked(&self.among);
        if let Some(own) = taken.get_mut(&self.of) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

fn locked<K>(taken: &Mutex<HashMap<K, usize>>) -> MutexGuard<'_, HashMap<K, usize>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_more_rooms_than_one_may_have_and_a_room_that_is_left_is_free() {
        let rooms = Rooms::new(3, 2);
        let mut held: Vec<_> = [1, 1, 2].map(|of| rooms.enter(of).unwrap()).into();
        assert_eq!(rooms.enter(3).unwrap_err(), Full::All);
        held.pop();
        assert_eq!(rooms.enter(1).unwrap_err(), Full::One);
        let of_another = rooms.enter(3).unwrap();
        held.clear();
        rooms.enter(1).unwrap();
        drop(of_another);
        assert!(locked(&rooms.taken).is_empty());
    }
}
