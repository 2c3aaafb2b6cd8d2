//! When a letter that was not delivered is tried again, and when nobody tries any more.

use jiff::{SignedDuration, Timestamp};

use super::ids::MailId;

/// How long a letter is tried to be delivered.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(72);
/// How long whoever has taken a letter has for it, before another one takes it: longer than
/// any server is waited for.
pub const LEASE: SignedDuration = SignedDuration::from_mins(3);
/// The first pause, which doubles.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(15);
/// The longest pause.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(4);

/// A letter that waits to be sent.
#[derive(Debug)]
pub struct Waiting {
    /// Its id.
    pub id: MailId,
    /// What it is about.
    pub kind: String,
    /// To whom.
    pub recipient: String,
    /// What it says, sealed under its id.
    pub sealed: Vec<u8>,
    /// When it was written.
    pub created_at: Timestamp,
    /// How often it was tried, this time too.
    pub attempts: i32,
}

/// A letter as it is sealed anew.
#[derive(Debug)]
pub struct SealedMail {
    /// Its id.
    pub id: MailId,
    /// What it says, sealed under its id.
    pub sealed: Vec<u8>,
    /// Whether somebody tries to deliver it.
    pub is_needed: bool,
}

/// A letter that nobody tries to deliver any more.
#[derive(Debug)]
pub struct DeadLetter {
    /// Its id.
    pub id: MailId,
    /// What it is about.
    pub kind: String,
    /// To whom.
    pub recipient: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// How often it was tried.
    pub attempts: i32,
    /// Why it was not delivered.
    pub failure: String,
    /// When that was.
    pub dead_at: Timestamp,
}

/// What became of an attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// A server has taken it.
    Delivered,
    /// It may be taken later.
    Later(String),
    /// It never will be.
    Never(String),
}

/// When a letter is tried again after so many attempts; nothing when its time is over.
pub fn again(created_at: Timestamp, attempts: i32, now: Timestamp) -> Option<Timestamp> {
    let doublings = u32::try_from(attempts - 1).unwrap_or_default().min(20);
    let pause = FIRST_PAUSE.checked_mul(1 << doublings).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE);
    Some(now + pause).filter(|at| *at <= created_at + LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_until_three_days_are_over() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let (mut now, mut attempts, mut pauses) = (start, 1, Vec::new());
        while let Some(at) = again(start, attempts, now) {
            pauses.push(at.duration_since(now).as_secs());
            (now, attempts) = (at, attempts + 1);
        }
        assert_eq!(pauses[..3], [15, 30, 60]);
        assert!(pauses.is_sorted() && pauses.last() == Some(&(4 * 3600)));
        assert!(now <= start + LONGEST && now > start + LONGEST - LONGEST_PAUSE, "{now}");
        assert!(again(start, i32::MAX, start).is_some());
    }
}
