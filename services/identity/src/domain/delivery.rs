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
    /// Until when its link works, if it has one.
    pub expires_at: Option<Timestamp>,
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

/// How much is in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outbox {
    /// Letters that wait.
    pub waiting: i64,
    /// When the oldest of them was written.
    pub oldest_at: Option<Timestamp>,
    /// Letters that nobody tries to deliver any more.
    pub dead: i64,
}

/// What became of an attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// A server has taken it.
    Delivered,
    /// It may be taken later.
    Later(String),
    /// No letter is taken from here, until somebody mends the login or the certificate.
    NotLetIn(String),
    /// It never will be.
    Never(String),
}

impl Outbox {
    /// How long the oldest letter has waited; nothing where none waits.
    pub fn age(&self, now: Timestamp) -> SignedDuration {
        let age = self.oldest_at.map(|at| now.duration_since(at));
        age.unwrap_or_default().max(SignedDuration::ZERO)
    }
}

impl Waiting {
    /// When it is tried again; nothing when its time is over, or that of its link.
    pub fn again(&self, now: Timestamp) -> Option<Timestamp> {
        let doublings = u32::try_from(self.attempts - 1).unwrap_or_default().min(20);
        let pause = FIRST_PAUSE.checked_mul(1 << doublings).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE);
        let until = self.created_at + LONGEST;
        let until = self.expires_at.map_or(until, |expires_at| expires_at.min(until));
        Some(now + pause).filter(|at| *at <= until)
    }

    /// Whether its link no longer works, so that it is of no use to anybody.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(created_at: Timestamp, life: Option<SignedDuration>) -> Waiting {
        Waiting {
            id: MailId::default(),
            kind: "recover".to_owned(),
            recipient: "x@x.example".to_owned(),
            sealed: Vec::new(),
            created_at,
            expires_at: life.map(|life| created_at + life),
            attempts: 1,
        }
    }

    /// Tries it as long as it is tried; the pauses, and when the last one is over.
    fn tried(mut letter: Waiting) -> (Vec<i64>, Timestamp) {
        let (mut now, mut pauses) = (letter.created_at, Vec::new());
        while let Some(at) = letter.again(now) {
            pauses.push(at.duration_since(now).as_secs());
            (now, letter.attempts) = (at, letter.attempts + 1);
        }
        (pauses, now)
    }

    #[test]
    fn the_pauses_grow_until_three_days_are_over() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let (pauses, end) = tried(written(start, None));
        assert_eq!(pauses[..3], [15, 30, 60]);
        assert!(pauses.is_sorted() && pauses.last() == Some(&(4 * 3600)));
        assert!(end <= start + LONGEST && end > start + LONGEST - LONGEST_PAUSE, "{end}");
        assert_eq!(tried(written(start, Some(SignedDuration::from_hours(7 * 24)))), (pauses, end));
        assert!(Waiting { attempts: i32::MAX, ..written(start, None) }.again(start).is_some());
    }

    #[test]
    fn an_outbox_in_which_nothing_waits_has_no_age() {
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let outbox = Outbox { waiting: 1, oldest_at: Some(at), dead: 0 };
        assert_eq!(outbox.age(at + SignedDuration::from_secs(90)).as_secs(), 90);
        // Of a clock that is behind.
        assert_eq!(outbox.age(at - SignedDuration::from_secs(1)), SignedDuration::ZERO);
        assert_eq!(Outbox { oldest_at: None, ..outbox }.age(at), SignedDuration::ZERO);
    }

    /// Before, a link of an hour was sent for three days.
    #[test]
    fn a_letter_is_tried_no_longer_than_its_link_works() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let hour = SignedDuration::from_hours(1);
        let (pauses, end) = tried(written(start, Some(hour)));
        assert_eq!(pauses, [15, 30, 60, 120, 240, 480, 960]);
        assert!(end <= start + hour, "{end}");
        let letter = written(start, Some(hour));
        assert!(!letter.is_over(end) && letter.is_over(start + hour));
        assert!(!written(start, None).is_over(start + LONGEST));
    }
}
