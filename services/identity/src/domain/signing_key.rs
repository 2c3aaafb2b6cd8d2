//! The life of the keys that sign access tokens. A key is published (standby)
//! before it signs (active), and stays published (retired) until what it signed
//! has expired. Verifiers fetch the list again every five minutes, and for an
//! unknown key id unless a fetch within 30 s was in vain.

use jiff::{SignedDuration, Timestamp};

use super::words::words;

/// How long a key is published before it signs: twice the life of a cached list.
pub const PUBLISH_BEFORE: SignedDuration = SignedDuration::from_mins(10);
/// How long a retired key stays published: an access token's life, and a margin
/// for clocks and caches.
pub const KEEP_RETIRED: SignedDuration = SignedDuration::from_mins(70);

words! {
    /// Where a key is in its life.
    pub enum KeyState {
        /// Published, so that verifiers know it before it signs.
        Standby = "standby",
        /// Signs.
        Active = "active",
        /// Verifies what it signed, until that has expired.
        Retired = "retired",
    }
}

/// A signing key, its private part sealed.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// RFC 7638 thumbprint of the public part.
    pub kid: String,
    /// Where it is in its life.
    pub state: KeyState,
    /// The public point, base64url.
    pub x: String,
    /// The public point, base64url.
    pub y: String,
    /// The private part, sealed under `kid`.
    pub sealed: Vec<u8>,
    /// When it was made and published.
    pub created_at: Timestamp,
    /// When it began to sign.
    pub activated_at: Option<Timestamp>,
    /// When it stopped signing.
    pub retired_at: Option<Timestamp>,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotated {
    /// A standby key was published; rotating again activates it, not before.
    Published {
        /// The key.
        kid: String,
        /// When it may sign.
        usable_at: Timestamp,
    },
    /// There is a standby key that is too young to sign.
    TooEarly {
        /// The key.
        kid: String,
        /// When it may sign.
        usable_at: Timestamp,
    },
    /// The standby key signs now.
    Activated {
        /// The key.
        kid: String,
    },
}

/// What the end of the trust in a key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// The key.
    pub kid: String,
    /// The key that signs instead, if this one did.
    pub signs: Option<String>,
}

/// Whether the schedule takes the next step of a rotation now.
pub fn is_due(keys: &[SigningKey], max_age: SignedDuration, now: Timestamp) -> bool {
    let old = keys.iter().any(|key| {
        key.state == KeyState::Active
            && key.activated_at.unwrap_or(key.created_at) + max_age <= now + PUBLISH_BEFORE
    });
    let too_young =
        keys.iter().any(|key| key.state == KeyState::Standby && key.created_at + PUBLISH_BEFORE > now);
    old && !too_young
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
    }

    fn key(state: KeyState, minute: i64) -> SigningKey {
        SigningKey {
            kid: state.word().to_owned(),
            state,
            x: String::new(),
            y: String::new(),
            sealed: Vec::new(),
            created_at: at(minute),
            activated_at: None,
            retired_at: None,
        }
    }

    #[test]
    fn the_schedule_publishes_before_the_age_is_reached_and_waits_for_the_list() {
        let max_age = SignedDuration::from_mins(100);
        let active = key(KeyState::Active, 0);
        assert!(!is_due(std::slice::from_ref(&active), max_age, at(89)));
        assert!(is_due(std::slice::from_ref(&active), max_age, at(90)));
        let keys = [active, key(KeyState::Standby, 90)];
        assert!(!is_due(&keys, max_age, at(99)), "verifiers may not have the new key yet");
        assert!(is_due(&keys, max_age, at(100)));
        assert!(!is_due(&[], max_age, at(1000)));
    }
}
