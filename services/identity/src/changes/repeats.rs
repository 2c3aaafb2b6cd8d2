//! Refusals of logins that repeat: the first one is recorded at once, those after it are
//! counted here and recorded together, once a minute. So a flood costs the audit log a row
//! a minute for each limit that it runs into, and no write at all for each attempt. What a
//! process has counted in its last minute is lost when it is killed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::ids::UserId;
use crate::error::Error;
use crate::store::Store;

/// Most limits whose repetitions are told apart. A flood over more of them is counted
/// under the one that was full first.
const MOST: usize = 10_000;

/// What repeats in this process. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Repeats(Arc<Mutex<HashMap<Vec<u8>, Repeat>>>);

/// One limit that somebody runs into.
#[derive(Debug)]
struct Repeat {
    /// When the limit is over.
    until: Timestamp,
    /// How often it was hit since that was last recorded.
    times: i32,
    /// Who hit it last, and at whose account; nobody's if it was several.
    actor: Actor,
    user: Option<UserId>,
}

impl Repeats {
    /// Counts a refusal by a limit, and says whether it is the first one, which is to be
    /// recorded now.
    pub fn note(&self, limit: &[u8], until: Timestamp, user: Option<UserId>, actor: &Actor) -> bool {
        let mut seen = self.seen();
        let limit = if seen.len() >= MOST && !seen.contains_key(limit) { &[] } else { limit };
        if let Some(known) = seen.get_mut(limit) {
            known.times = known.times.saturating_add(1);
            known.until = known.until.max(until);
            known.user = known.user.filter(|known| user == Some(*known));
            known.actor = actor.clone();
            return false;
        }
        seen.insert(limit.to_vec(), Repeat { until, times: 0, user, actor: actor.clone() });
        true
    }

    /// Records what has repeated, and forgets limits that are over.
    pub async fn record(&self, store: &Store, now: Timestamp) -> Result<(), Error> {
        let repeated: Vec<Repeat> = {
            let mut seen = self.seen();
            let repeated = seen.values_mut().filter(|one| one.times > 0).map(Repeat::take).collect();
            seen.retain(|_, one| one.until > now);
            repeated
        };
        for Repeat { times, actor, user, .. } in repeated {
            let limited = actor.did(AuditAction::LoginLimited).refused().by(user);
            store.record(limited.outside_sessions().times(times)).await?;
        }
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Repeat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Repeat {
    fn take(&mut self) -> Self {
        let times = std::mem::take(&mut self.times);
        Self { until: self.until, times, actor: self.actor.clone(), user: self.user }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_first_refusal_is_told_and_more_limits_than_are_kept_count_as_one() {
        let (repeats, actor) = (Repeats::default(), Actor::operator());
        let users = [UserId(uuid::Uuid::nil()), UserId(uuid::Uuid::max())];
        assert!(repeats.note(b"one", at(1), Some(users[0]), &actor));
        assert!(!repeats.note(b"one", at(2), Some(users[0]), &actor));
        assert_eq!(repeats.seen()[&b"one"[..]].user, Some(users[0]));
        assert!(!repeats.note(b"one", at(3), Some(users[1]), &actor));
        let one = repeats.seen().get_mut(&b"one"[..]).map(Repeat::take).unwrap();
        assert_eq!((one.times, one.user, one.until), (2, None, at(3)));
        let told = (0..2 * MOST).filter(|n| repeats.note(&n.to_be_bytes(), at(1), None, &actor)).count();
        assert_eq!((told, repeats.seen().len()), (MOST, MOST + 1));
        assert_eq!(repeats.seen()[&[][..]].times, i32::try_from(MOST).unwrap());
    }
}
