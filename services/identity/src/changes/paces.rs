//! How fast a client gets tokens, for itself and in each session for which it acts. A program
//! that asks for one with every call would fill its tenant's log, and the room in which all
//! services keep what they know of callers. Each process counts by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::{ApiKeyId, SessionId};

/// Tokens that are there at once: many processes of a program may start together.
pub const SAVED: i32 = 60;
/// In what time there is one more: a token lives a hundred times as long.
pub const EVERY: SignedDuration = SignedDuration::from_secs(6);
/// Most that are counted; what is asked beyond is let through.
const MOST: usize = 100_000;

/// When as many as may be saved up are there again. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Paces(Arc<Mutex<HashMap<(ApiKeyId, SessionId), Timestamp>>>);

impl Paces {
    /// Takes one token, or says for how long there is none.
    pub fn take(&self, of: (ApiKeyId, SessionId), now: Timestamp) -> Result<(), SignedDuration> {
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if paces.len() >= MOST && !paces.contains_key(&of) {
            paces.retain(|_, full| *full > now);
            if paces.len() >= MOST {
                return Ok(());
            }
        }
        let full = paces.entry(of).or_insert(now);
        let next = (*full).max(now) + EVERY;
        let most = now + EVERY * SAVED;
        if next > most {
            return Err(next.duration_since(most));
        }
        *full = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn some_tokens_are_there_at_once_and_then_one_in_each_time() {
        let paces = Paces::default();
        let (now, client) = (Timestamp::from_second(1_000).unwrap(), ApiKeyId(Uuid::nil()));
        let one = (client, SessionId::default());
        let taken = (0..100).filter(|_| paces.take(one, now).is_ok()).count();
        assert_eq!(taken, usize::try_from(SAVED).unwrap());
        assert_eq!(paces.take(one, now), Err(EVERY));
        assert_eq!(paces.take(one, now + SignedDuration::from_secs(2)), Err(SignedDuration::from_secs(4)));
        assert_eq!(paces.take(one, now + EVERY), Ok(()));
        assert!(paces.take(one, now + EVERY).is_err());
        assert_eq!(paces.take((client, SessionId(Uuid::max())), now), Ok(()), "another session");
    }
}
