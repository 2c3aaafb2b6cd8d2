//! Which master keys a database knows, and whether something may be written under a list
//! of them. A key is named by its id here; the key itself is not seen.
//!
//! A replacement goes: the new key behind the old one in every process, so that all open
//! what it will seal; `frontdesk master-key rotate` with the new one first; then first in
//! every process; and when nothing needs the old one any more, alone.

use jiff::{SignedDuration, Timestamp};

/// How long a process is taken to go on with a key after it said so; it does each minute.
pub const SAYS_SO: SignedDuration = SignedDuration::from_mins(3);

/// A master key as the database knows it.
#[derive(Debug, Clone)]
pub struct KnownMasterKey {
    /// Its name.
    pub id: String,
    /// The code that it is told by.
    pub code: Vec<u8>,
    /// When it became the key that seals.
    pub rotated_at: Timestamp,
    /// When a process last said that it is the first of its list.
    pub used_at: Option<Timestamp>,
    /// Since when it is in no list.
    pub dropped_at: Option<Timestamp>,
}

/// Why nothing may be written under a list of master keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DoesNotFit {
    /// What is in the database was sealed under another one.
    #[error(
        "FRONTDESK_MASTER_KEY does not fit this database, and nothing was written: what is in it is sealed under master key {current}, and the setting has {listed}; set the key that it was made with, or name the database that this key is of"
    )]
    Other {
        /// The key that seals.
        current: String,
        /// Those that are set.
        listed: String,
    },
    /// The first one is new.
    #[error(
        "the first key of FRONTDESK_MASTER_KEY, {first}, is new to this database, and nothing was written: `frontdesk master-key rotate` lets it seal, when every identity has it in its list"
    )]
    New {
        /// Its name.
        first: String,
    },
    /// A process that runs would not open what it seals.
    #[error(
        "an identity that runs has another list of master keys, and nothing was changed: {first} is not in what one said at {said_at} that it has; put it behind the key that seals in FRONTDESK_MASTER_KEY of every identity and start each again. One that was killed counts for {} minutes",
        SAYS_SO.as_mins()
    )]
    NotEverywhere {
        /// The key that is to seal.
        first: String,
        /// When the process last said which keys it has.
        said_at: Timestamp,
    },
    /// A process that runs has a key that is said to be lost.
    #[error(
        "an identity that runs has the master key that is said to be lost, and nothing was changed: one said at {said_at} that it has {key}; put it behind the first one in FRONTDESK_MASTER_KEY, then `frontdesk master-key rotate`. One that was killed counts for {} minutes",
        SAYS_SO.as_mins()
    )]
    HeldElsewhere {
        /// The key.
        key: String,
        /// When the process last said which keys it has.
        said_at: Timestamp,
    },
    /// The key that is said to be lost is there.
    #[error(
        "no master key is lost, and nothing was changed: FRONTDESK_MASTER_KEY opens everything in this database; `frontdesk master-key rotate` without --old-key-is-lost keeps it"
    )]
    NotLost,
    /// A key left the list before its values were sealed anew: this one or, where a version
    /// that did not look let it go, one before it.
    #[error(
        "a master key left FRONTDESK_MASTER_KEY too early, and nothing was written: {values} values in this database are sealed with another key than {listed}; put {gone} back behind the first one, then `frontdesk master-key rotate`, or, if it is lost, give up what it sealed: `frontdesk master-key rotate --old-key-is-lost`{}",
        left_earlier(.before, .gone)
    )]
    Needed {
        /// How many values none of the keys opens.
        values: usize,
        /// The keys that are set.
        listed: String,
        /// Those that are not any more.
        gone: String,
        /// Those that left before, as far as they are known.
        before: String,
    },
    /// A process that runs still seals with a key that leaves the list.
    #[error(
        "a master key left FRONTDESK_MASTER_KEY too early, and nothing was written: an identity that runs said at {said_at} that it has {key} first in its list, and seals with it; start it with {first} first, then this one without {key}. One that was killed counts for {} minutes",
        SAYS_SO.as_mins()
    )]
    SealsElsewhere {
        /// The key.
        key: String,
        /// The one that is to seal instead.
        first: String,
        /// When the process last said which keys it has.
        said_at: Timestamp,
    },
    /// The first one was given up: others may not have it any more.
    #[error(
        "the first key of FRONTDESK_MASTER_KEY, {first}, was given up, and nothing was written: put {current} first, which seals by now"
    )]
    GivenUp {
        /// Its name.
        first: String,
        /// The key that seals.
        current: String,
    },
}

/// What is left of a master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeyState {
    /// Its name.
    pub id: String,
    /// Its part in the replacement.
    pub part: MasterKeyPart,
    /// Whether it is in the list.
    pub listed: bool,
    /// How many values are sealed with it.
    pub sealed: usize,
    /// When a process last said that it is the first of its list.
    pub used_at: Option<Timestamp>,
    /// Whether one still does.
    pub in_use: bool,
    /// Sessions whose refresh token may be of this key.
    pub sessions: i64,
    /// When the last of these is over.
    pub sessions_end_at: Option<Timestamp>,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MasterKeyPart {
    /// It seals.
    Seals,
    /// It sealed before.
    Opens,
    /// The database has nothing of it.
    New,
}

/// What is known of all master keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeyReport {
    /// Each of them.
    pub keys: Vec<MasterKeyState>,
    /// Values that no key of the list opens.
    pub lost: usize,
    /// How many values were sealed anew.
    pub resealed: usize,
}

impl MasterKeyPart {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Seals => "seals",
            Self::Opens => "opens",
            Self::New => "new",
        }
    }
}

impl MasterKeyState {
    /// What keeps a key that does not seal any more in the list; nothing when it may go.
    pub fn needed(&self) -> Option<String> {
        match self.part {
            MasterKeyPart::Seals => return Some("it seals".to_owned()),
            MasterKeyPart::New => return Some("it is new to the database".to_owned()),
            MasterKeyPart::Opens => {}
        }
        if self.sealed > 0 {
            return Some(format!("{} values are sealed with it", self.sealed));
        }
        if self.in_use {
            return Some("an identity has it first in its list".to_owned());
        }
        self.sessions_end_at
            .map(|at| format!("refresh tokens of {} sessions may be of it, until {at}", self.sessions))
    }
}

/// The key that seals: the last one that became it.
pub fn current(known: &[KnownMasterKey]) -> Option<&KnownMasterKey> {
    known.iter().max_by_key(|key| key.rotated_at)
}

/// Whether something may be written under a list of keys, the first of which seals: all of
/// this database can be opened, and whoever else works with it opens what is written.
pub fn fits(listed: &[String], known: &[KnownMasterKey]) -> Result<(), DoesNotFit> {
    let Some(current) = current(known).map(|key| key.id.clone()) else { return Ok(()) };
    if !listed.contains(&current) {
        return Err(DoesNotFit::Other { current, listed: listed.join(", ") });
    }
    let first = listed.first().cloned().unwrap_or_default();
    match known.iter().find(|key| key.id == first) {
        None => Err(DoesNotFit::New { first }),
        Some(key) if key.dropped_at.is_some() => Err(DoesNotFit::GivenUp { first, current }),
        Some(_) => Ok(()),
    }
}

/// The keys that leave the list.
pub fn leaving(listed: &[String], known: &[KnownMasterKey]) -> Vec<String> {
    let stays = |key: &&KnownMasterKey| key.dropped_at.is_some() || listed.contains(&key.id);
    known.iter().filter(|key| !stays(key)).map(|key| key.id.clone()).collect()
}

/// The keys that left the list before and are not back in it.
pub fn left_before(listed: &[String], known: &[KnownMasterKey]) -> Vec<String> {
    let is_gone = |key: &&KnownMasterKey| key.dropped_at.is_some() && !listed.contains(&key.id);
    known.iter().filter(is_gone).map(|key| key.id.clone()).collect()
}

/// What may be left when the key that left last is back: keys that left before it are known.
fn left_earlier(before: &str, gone: &str) -> String {
    if before.is_empty() {
        return String::new();
    }
    format!(
        "; values that are left then are of a key that left earlier ({before}): put that back as well, or give them up by --old-key-is-lost while {gone} is in the list"
    )
}

/// Refuses that a key seals which a process that runs does not have: what processes said
/// lately, each with when.
pub fn is_everywhere(first: &str, said: &[(Vec<String>, Timestamp)]) -> Result<(), DoesNotFit> {
    match said.iter().find(|(listed, _)| !listed.iter().any(|id| id == first)) {
        Some((_, said_at)) => Err(DoesNotFit::NotEverywhere { first: first.to_owned(), said_at: *said_at }),
        None => Ok(()),
    }
}

/// Refuses that what other keys than the `listed` sealed is given up while a process that runs
/// has one of them: what processes said lately, each with when.
pub fn is_lost(listed: &[String], said: &[(Vec<String>, Timestamp)]) -> Result<(), DoesNotFit> {
    let held = said.iter().find_map(|(ids, said_at)| {
        let key = ids.iter().find(|id| !listed.contains(id))?;
        Some((key.clone(), *said_at))
    });
    match held {
        Some((key, said_at)) => Err(DoesNotFit::HeldElsewhere { key, said_at }),
        None => Ok(()),
    }
}

/// Refuses that a key leaves the list while a process that runs has it first, and so seals with
/// it: what processes said lately, each with when.
pub fn seals_nowhere(
    listed: &[String],
    gone: &[String],
    said: &[(Vec<String>, Timestamp)],
) -> Result<(), DoesNotFit> {
    let seals = said.iter().find_map(|(ids, said_at)| {
        let key = ids.first().filter(|first| gone.contains(first))?;
        Some((key.clone(), *said_at))
    });
    match seals {
        Some((key, said_at)) => {
            let first = listed.first().cloned().unwrap_or_default();
            Err(DoesNotFit::SealsElsewhere { key, first, said_at })
        }
        None => Ok(()),
    }
}

/// Whether a process still makes codes with a key.
pub fn is_in_use(key: &KnownMasterKey, now: Timestamp) -> bool {
    key.used_at.is_some_and(|at| at + SAYS_SO > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(id: &str, second: i64, dropped: bool) -> KnownMasterKey {
        let at = Timestamp::from_second(1_800_000_000 + second).unwrap();
        KnownMasterKey {
            id: id.to_owned(),
            code: Vec::new(),
            rotated_at: at,
            used_at: Some(at),
            dropped_at: dropped.then_some(at),
        }
    }

    fn judged(listed: &[&str], known: &[KnownMasterKey]) -> &'static str {
        let listed: Vec<String> = listed.iter().map(|id| (*id).to_owned()).collect();
        match fits(&listed, known) {
            Ok(()) => "fits",
            Err(DoesNotFit::Other { .. }) => "other",
            Err(DoesNotFit::New { .. }) => "new",
            Err(DoesNotFit::GivenUp { .. }) => "given up",
            Err(_) => "something else",
        }
    }

    #[test]
    fn each_step_of_a_replacement_fits_and_no_step_can_be_left_out() {
        let before = [known("a", 0, false)];
        let rotated = [known("a", 0, false), known("b", 9, false)];
        let over = [known("a", 0, true), known("b", 9, false)];
        for (listed, words) in [
            (&["a"][..], ["fits", "other", "other"]),
            (&["a", "b"], ["fits", "fits", "given up"]),
            (&["b", "a"], ["new", "fits", "fits"]),
            (&["b"], ["other", "fits", "fits"]),
            (&["c", "b", "a"], ["new", "new", "new"]),
            (&["c"], ["other", "other", "other"]),
        ] {
            assert_eq!(
                [&before[..], &rotated, &over].map(|known| judged(listed, known)),
                words,
                "{listed:?}"
            );
        }
        assert_eq!(judged(&["c"], &[]), "fits");
    }

    #[test]
    fn a_key_seals_when_every_process_has_it_wherever_in_its_list() {
        let said = |lists: &[&[&str]]| -> Vec<(Vec<String>, Timestamp)> {
            let owned = |list: &&[&str]| list.iter().map(|id| (*id).to_owned()).collect();
            lists.iter().map(|list| (owned(list), Timestamp::UNIX_EPOCH)).collect()
        };
        assert_eq!(is_everywhere("b", &[]), Ok(()));
        assert_eq!(is_everywhere("b", &said(&[&["a", "b"], &["b", "a"], &["b"]])), Ok(()));
        assert!(is_everywhere("b", &said(&[&["a", "b"], &["a"]])).is_err());
        let known = [known("a", 0, true), known("b", 1, false), known("c", 2, false)];
        assert_eq!(leaving(&["c".to_owned()], &known), ["b"]);
        assert!(leaving(&["c".to_owned(), "b".to_owned()], &known).is_empty());
        assert_eq!(left_before(&["c".to_owned()], &known), ["a"]);
        assert!(left_before(&["c".to_owned(), "a".to_owned()], &known).is_empty());
        let (listed, gone) = (["b".to_owned()], ["a".to_owned()]);
        assert_eq!(seals_nowhere(&listed, &gone, &said(&[&["b", "a"], &["c"], &[]])), Ok(()));
        let seals = seals_nowhere(&listed, &gone, &said(&[&["b", "a"], &["a", "b"]])).unwrap_err();
        assert!(seals.to_string().contains("start it with b first, then this one without a"), "{seals}");
    }

    #[test]
    fn a_key_is_needed_while_anything_may_be_of_it() {
        let state = |part, sealed, in_use, sessions_end_at| MasterKeyState {
            id: "a".to_owned(),
            part,
            listed: true,
            sealed,
            used_at: None,
            in_use,
            sessions: 2,
            sessions_end_at,
        };
        let opens = MasterKeyPart::Opens;
        assert!(state(MasterKeyPart::Seals, 0, false, None).needed().is_some());
        assert!(state(opens, 1, false, None).needed().unwrap().contains("1 values"));
        assert!(state(opens, 0, true, None).needed().unwrap().contains("first in its list"));
        let until = state(opens, 0, false, Some(Timestamp::UNIX_EPOCH)).needed().unwrap();
        assert!(until.contains("2 sessions") && until.contains("1970"), "{until}");
        assert_eq!(state(opens, 0, false, None).needed(), None);
        let key = known("a", 0, false);
        let used = key.used_at.unwrap();
        assert!(is_in_use(&key, used + SignedDuration::from_mins(2)) && !is_in_use(&key, used + SAYS_SO));
    }
}
