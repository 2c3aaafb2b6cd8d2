//! How many bytes of bodies a process holds at once, requests' and answers' together. A
//! small one is not counted: there are only so many calls. A large one is counted from when
//! it comes until nobody needs it any more, so that slow clients with large bodies take
//! each other's room and not all memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Most bytes of large bodies.
const MOST: usize = 256 * 1024 * 1024;
/// Bytes of a body that are not counted.
pub const SMALL: usize = 64 * 1024;

static OF_THE_PROCESS: Budget = Budget::of(MOST);

/// How many bytes there are.
#[derive(Debug)]
struct Budget {
    left: AtomicUsize,
}

/// There is no room for so much.
#[derive(Debug, PartialEq, Eq)]
pub struct NoRoom;

/// Room for a body, until it is dropped.
#[derive(Debug)]
pub struct Held {
    budget: &'static Budget,
    bytes: usize,
    counted: usize,
}

/// A body with its room.
struct Counted {
    body: Bytes,
    _held: Held,
}

impl Budget {
    const fn of(bytes: usize) -> Self {
        Self { left: AtomicUsize::new(bytes) }
    }
}

impl Held {
    /// For a body of which nothing has come.
    pub fn nothing() -> Self {
        Self::of(&OF_THE_PROCESS)
    }

    fn of(budget: &'static Budget) -> Self {
        Self { budget, bytes: 0, counted: 0 }
    }

    /// So many bytes more.
    pub fn add(&mut self, bytes: usize) -> Result<(), NoRoom> {
        self.bytes += bytes;
        let more = self.bytes.saturating_sub(SMALL) - self.counted;
        if more == 0 {
            return Ok(());
        }
        let take = |left: usize| left.checked_sub(more);
        self.budget.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).map_err(|_| NoRoom)?;
        self.counted += more;
        Ok(())
    }

    /// The body, which keeps its room wherever it goes.
    pub fn with(self, body: Bytes) -> Bytes {
        if self.counted == 0 { body } else { Bytes::from_owner(Counted { body, _held: self }) }
    }
}

/// A whole body with its room.
pub fn held(body: Bytes) -> Result<Bytes, NoRoom> {
    let mut held = Held::nothing();
    held.add(body.len())?;
    Ok(held.with(body))
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.counted, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_share_their_room_until_the_last_part_of_one_is_gone() {
        static BUDGET: Budget = Budget::of(100_000);
        let left = || BUDGET.left.load(Ordering::Relaxed);
        let mut first = Held::of(&BUDGET);
        first.add(SMALL).unwrap();
        assert_eq!(left(), 100_000, "a small one is not counted");
        first.add(60_000).unwrap();
        let mut second = Held::of(&BUDGET);
        second.add(SMALL + 30_000).unwrap();
        assert_eq!(second.add(20_000), Err(NoRoom));
        assert_eq!(left(), 10_000);
        let body = first.with(Bytes::from(vec![7; SMALL + 60_000]));
        let part = body.slice(5..8);
        drop((body, second));
        assert_eq!((left(), &part[..]), (40_000, &[7; 3][..]));
        drop(part);
        assert_eq!(left(), 100_000);
    }
}
