//! Second factors: what they are, and how often a wrong proof is taken.

use jiff::{SignedDuration, Timestamp};

use super::ids::{FactorId, SessionId, UserId};
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
/// How long ago somebody has proved to be a user whose passkey is enrolled, with a second factor
/// if there is one: it will sign in alone.
pub const PROVED_FOR_PASSKEY: SignedDuration = SignedDuration::from_mins(5);
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
        /// A key in a device or an account, which a browser uses (Web Authentication).
        Passkey = "passkey",
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
    /// What proofs of it are checked with, sealed; none of a passkey, of which nothing
    /// secret is known.
    pub sealed: Option<Vec<u8>>,
    /// When it was enrolled.
    pub created_at: Timestamp,
    /// Since when it counts.
    pub verified_at: Option<Timestamp>,
    /// When it was proved last.
    pub last_used_at: Option<Timestamp>,
    /// Wrong codes since the last right one.
    pub wrong_codes: i32,
    /// The session that has enrolled it; not of one that an earlier version made.
    pub enrolled_in: Option<SessionId>,
    /// Whether it is a passkey that signs in alone.
    pub signs_in_alone: bool,
}

impl Factor {
    /// Whether its secret is lost for good, as [`SealedSecret::is_given_up`] says.
    pub fn is_given_up(&self) -> bool {
        self.sealed.as_ref().is_some_and(Vec::is_empty)
    }

    /// Whether it can be proved in a session. Of an app that is not verified only whoever has
    /// enrolled it knows the secret; of a passkey nothing is known before it is made, so that is
    /// done in the session that has enrolled it, and in no other of its user.
    pub fn is_proved_in(&self, session: SessionId) -> bool {
        let is_to_be_made = self.kind == FactorKind::Passkey && self.verified_at.is_none();
        !is_to_be_made || self.enrolled_in == Some(session)
    }
}

/// What is known of a passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// The factor that it is.
    pub factor: FactorId,
    /// Whose it is.
    pub user: UserId,
    /// Its id for browsers.
    pub credential: Vec<u8>,
    /// Its public key, in COSE.
    pub public_key: Vec<u8>,
    /// How often its authenticator says it was used; always 0 of one that does not count.
    pub sign_count: i64,
    /// Whether it may be in a backup of its user's, which never changes.
    pub backup_eligible: bool,
    /// Whether it is in one.
    pub backed_up: bool,
    /// How browsers reach its authenticator.
    pub transports: Vec<String>,
    /// When the challenge was made that it has answered last.
    pub asked_at: Timestamp,
    /// Since when it signs in alone; without, it counts beside the password only.
    pub alone_from: Option<Timestamp>,
}

/// What a passkey is to be taken for that has signed the answer to a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// The one that was made.
    Own,
    /// One that has answered this challenge or a later one before: it may be the same answer.
    Repeated,
    /// A copy.
    Copy,
}

impl Passkey {
    /// Who has answered a challenge of a time with a counter. That of the authenticator which made
    /// the passkey grows, unless it does not count.
    pub fn signer(&self, asked_at: Timestamp, sign_count: u32) -> Signer {
        let sign_count = i64::from(sign_count);
        if asked_at <= self.asked_at {
            Signer::Repeated
        } else if sign_count > self.sign_count || (sign_count == 0 && self.sign_count == 0) {
            Signer::Own
        } else {
            Signer::Copy
        }
    }
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
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_counter_grows_unless_there_is_none_and_each_challenge_is_answered_once() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let passkey = |sign_count| Passkey {
            factor: FactorId::default(),
            user: UserId::default(),
            credential: Vec::new(),
            public_key: Vec::new(),
            sign_count,
            backup_eligible: false,
            backed_up: false,
            transports: Vec::new(),
            asked_at: at(10),
            alone_from: None,
        };
        for (stored, sent, is_own) in
            [(0, 0, true), (0, 1, true), (5, 6, true), (5, 5, false), (5, 4, false), (5, 0, false)]
        {
            let signer = if is_own { Signer::Own } else { Signer::Copy };
            assert_eq!(passkey(stored).signer(at(11), sent), signer, "{stored} {sent}");
            for asked_at in [at(10), at(9)] {
                assert_eq!(passkey(stored).signer(asked_at, sent), Signer::Repeated, "{stored} {sent}");
            }
        }
    }

    #[test]
    fn a_passkey_is_made_in_the_session_that_has_enrolled_it_and_used_in_any() {
        let session = |number| SessionId(Uuid::from_u128(number));
        let factor = |kind, verified, enrolled_in: Option<u128>| Factor {
            id: FactorId::default(),
            user: UserId::default(),
            kind,
            name: String::new(),
            sealed: None,
            created_at: Timestamp::UNIX_EPOCH,
            verified_at: Some(Timestamp::UNIX_EPOCH).filter(|_| verified),
            last_used_at: None,
            wrong_codes: 0,
            enrolled_in: enrolled_in.map(session),
            signs_in_alone: false,
        };
        for enrolled_in in [None, Some(1), Some(2)] {
            for verified in [false, true] {
                let passkey = factor(FactorKind::Passkey, verified, enrolled_in);
                assert_eq!(passkey.is_proved_in(session(1)), verified || enrolled_in == Some(1));
                for kind in [FactorKind::Totp, FactorKind::Other] {
                    assert!(factor(kind, verified, enrolled_in).is_proved_in(session(1)));
                }
            }
        }
    }

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
