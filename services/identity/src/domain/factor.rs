//! Second factors: what they are, and how often a wrong proof is taken.

use jiff::{SignedDuration, Timestamp};

use super::ids::{FactorId, UserId};
use super::limits::Limits;
use super::roles::{BuiltIn, Role};
use super::user::UserKind;
use super::words::words;

/// Most factors of a user, verified or not.
pub const MOST_FACTORS: usize = 10;
/// How many recovery codes a user gets.
pub const RECOVERY_CODES: usize = 10;
/// How long a factor waits to be verified.
pub const UNVERIFIED_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How long a challenge is taken.
pub const CHALLENGED_FOR: SignedDuration = SignedDuration::from_mins(5);
/// How long ago whoever has a second factor has proved one, to enrol another.
pub const PROVED_TO_ENROL: SignedDuration = SignedDuration::from_mins(15);
/// The same, to remove one or to make new recovery codes.
pub const PROVED_TO_REMOVE: SignedDuration = SignedDuration::from_mins(5);
/// Wrong codes of a factor, one after the other, after which none is looked at (NIST SP
/// 800-63B, 5.2.2). However slowly they come: of a million codes three are right.
pub const MOST_WRONG_CODES: i32 = 100;

words! {
    /// What a factor is.
    pub enum FactorKind {
        /// An app that shows codes (RFC 6238).
        Totp = "totp",
        /// One of a later version. It counts, and cannot be proved here.
        Other = "other",
    }
}

impl FactorKind {
    /// The value of whatever word the database has.
    pub fn of_word(word: &str) -> Self {
        Self::from_word(word).unwrap_or(Self::Other)
    }
}

words! {
    /// Of whom in a tenant two factors are asked.
    pub enum SecondFactorPolicy {
        /// Of those who have a second one.
        Optional = "optional",
        /// Of owners, too.
        Owners = "owners",
        /// Of every member.
        All = "all",
    }
}

impl SecondFactorPolicy {
    /// Whether two factors are asked of whoever has a role in it. Programs are not asked: they
    /// have no app that shows codes.
    pub fn asks(self, role: &Role, kind: UserKind) -> bool {
        match (self, kind) {
            (_, UserKind::Service) | (Self::Optional, _) => false,
            (Self::Owners, UserKind::Person) => *role == Role::BuiltIn(BuiltIn::Owner),
            (Self::All, UserKind::Person) => true,
        }
    }
}

/// A second factor.
#[derive(Debug, Clone)]
pub struct Factor {
    /// Its id.
    pub id: FactorId,
    /// Whose it is.
    pub user: UserId,
    /// What it is.
    pub kind: FactorKind,
    /// Its name for its user; may be empty.
    pub name: String,
    /// What proofs of it are checked with, sealed.
    pub sealed: Vec<u8>,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// Since when it counts.
    pub verified_at: Option<Timestamp>,
    /// When it was proved last.
    pub last_used_at: Option<Timestamp>,
    /// Wrong codes since the last right one.
    pub wrong_codes: i32,
}

/// The secret of a factor, to be sealed anew.
#[derive(Debug, Clone)]
pub struct SealedSecret {
    /// The factor.
    pub id: FactorId,
    /// Whose it is.
    pub user: UserId,
    /// Its secret; empty of one that was given up with the key that had sealed it.
    pub sealed: Vec<u8>,
}

impl SealedSecret {
    /// Whether it is lost for good, so that an operator has to reset it.
    pub fn is_given_up(&self) -> bool {
        self.sealed.is_empty()
    }
}

/// The names under which proofs are counted that somebody tries.
#[derive(Debug)]
pub struct FactorBuckets {
    /// Of the user, in whatever session.
    pub user: Vec<u8>,
    /// Of the session.
    pub session: Vec<u8>,
}

/// How often proofs were tried, each count with the end of its window.
#[derive(Debug, Clone, Copy, Default)]
pub struct FactorAttempts {
    /// By the user, in whatever session.
    pub user: Option<(i32, Timestamp)>,
    /// In the session.
    pub session: Option<(i32, Timestamp)>,
}

/// Most proofs that are tried in a session within a window, however many passwords may be: a
/// code has six digits.
const MOST_TRIES: i32 = 10;

impl FactorAttempts {
    /// Until when no proof is taken: in a session as many are tried as passwords of one
    /// account from one address, by a user twice as many. Whoever has got as far knows the
    /// password, so it is not a stranger who locks the user out.
    pub fn blocked(&self, limits: &Limits, counted: bool) -> Option<Timestamp> {
        let over = |limit: i32, count: Option<(i32, Timestamp)>| {
            let most = if counted { limit } else { limit - 1 };
            count.filter(|(tried, _)| *tried > most).map(|(_, until)| until)
        };
        let tries = if (1..MOST_TRIES).contains(&limits.pair) { limits.pair } else { MOST_TRIES };
        over(tries, self.session).max(over(2 * tries, self.user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_asks_its_owners_or_all_people_and_no_program() {
        let [owner, agent] = [BuiltIn::Owner, BuiltIn::Agent].map(Role::BuiltIn);
        for (policy, of_owner, of_agent) in [
            (SecondFactorPolicy::Optional, false, false),
            (SecondFactorPolicy::Owners, true, false),
            (SecondFactorPolicy::All, true, true),
        ] {
            assert_eq!(policy.asks(&owner, UserKind::Person), of_owner);
            assert_eq!(policy.asks(&agent, UserKind::Person), of_agent);
            assert!(!policy.asks(&owner, UserKind::Service));
        }
    }

    #[test]
    fn as_many_proofs_are_tried_as_the_limit_says_whether_this_one_is_counted_yet_or_not() {
        let limits = Limits { pair: 5, account: 1, address: 1, window: SignedDuration::from_mins(15) };
        let at = |second| Timestamp::from_second(second).unwrap();
        let of = |user, session, counted| {
            let attempts = FactorAttempts { user: Some((user, at(2))), session: Some((session, at(1))) };
            attempts.blocked(&limits, counted)
        };
        assert_eq!((of(9, 4, false), of(10, 5, true)), (None, None));
        assert_eq!((of(9, 5, false), of(10, 6, true)), (Some(at(1)), Some(at(1))));
        assert_eq!((of(10, 4, false), of(11, 5, true)), (Some(at(2)), Some(at(2))));
        assert_eq!(of(10, 5, false), Some(at(2)), "the later one");
        assert_eq!(FactorAttempts::default().blocked(&limits, false), None);
        for pair in [0, -1, 1000, i32::MAX] {
            let tried = |session| FactorAttempts { user: None, session: Some((session, at(1))) };
            let limits = Limits { pair, ..limits };
            assert_eq!(tried(9).blocked(&limits, false), None, "{pair}");
            assert_eq!(tried(10).blocked(&limits, false), Some(at(1)), "{pair} is about passwords");
        }
    }
}
