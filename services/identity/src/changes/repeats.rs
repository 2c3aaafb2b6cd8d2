//! Refusals of logins, and of clients that ask for tokens, that repeat: the first one is recorded
//! at once, those after it are counted here and recorded together, once a minute. So a flood
//! costs the audit log a row a minute for each limit that it runs into, and no write at all for
//! each attempt. What a process has counted in its last minute is lost when it is killed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::actor::{Actor, AuditEvent};
use crate::domain::audit::AuditAction;
use crate::domain::ids::{ApiKeyId, TenantId, UserId};
use crate::error::Error;
use crate::store::Store;

/// Most limits whose repetitions are told apart. A flood over more of them is counted as one,
/// of nobody.
const MOST: usize = 10_000;

/// What repeats in this process. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Repeats(Arc<Mutex<HashMap<Vec<u8>, Repeat>>>);

/// What is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// An attempt over a limit, at this user's account; nobody's if it was several.
    Attempt(Option<UserId>),
    /// What a client asks for, in its tenant; or somebody who names no client.
    Client(AuditAction, Option<(TenantId, ApiKeyId)>),
}

/// One limit that somebody runs into.
#[derive(Debug)]
struct Repeat {
    /// When the limit is over.
    until: Timestamp,
    /// How often it was hit since that was last recorded.
    times: i32,
    /// Who hit it last.
    actor: Actor,
    refused: Refused,
}

impl Refused {
    /// As the audit log has it.
    pub fn event(self, actor: &Actor) -> AuditEvent<'_> {
        match self {
            Self::Attempt(user) => actor.did(AuditAction::LoginLimited).refused().by(user).outside_sessions(),
            Self::Client(action, Some((tenant, client))) => {
                actor.did(action).refused().in_tenant(tenant).about(client)
            }
            Self::Client(action, None) => actor.did(action).refused(),
        }
    }

    /// The same of two that count together.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            // Nobody reads what happened to somebody else.
            _ => Self::Attempt(None),
        }
    }
}

impl Repeats {
    /// Counts a refusal by a limit, and says whether it is the first one, which is to be
    /// recorded now.
    pub fn note(&self, limit: &[u8], until: Timestamp, refused: Refused, actor: &Actor) -> bool {
        let mut seen = self.seen();
        let overflows = seen.len() >= MOST && !seen.contains_key(limit);
        let limit = if overflows { &[] } else { limit };
        let nobodys = || (Refused::Attempt(None), Actor::operator());
        let (refused, actor) = if overflows { nobodys() } else { (refused, actor.clone()) };
        if let Some(known) = seen.get_mut(limit) {
            known.times = known.times.saturating_add(1);
            known.until = known.until.max(until);
            known.refused = known.refused.and(refused);
            known.actor = actor;
            return false;
        }
        seen.insert(limit.to_vec(), Repeat { until, times: 0, refused, actor });
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
        for Repeat { times, actor, refused, .. } in repeated {
            store.record(refused.event(&actor).times(times)).await?;
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
        Self { until: self.until, times, actor: self.actor.clone(), refused: self.refused }
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
        let users = [uuid::Uuid::nil(), uuid::Uuid::max()].map(|id| Refused::Attempt(Some(UserId(id))));
        assert!(repeats.note(b"one", at(1), users[0], &actor));
        assert!(!repeats.note(b"one", at(2), users[0], &actor));
        assert_eq!(repeats.seen()[&b"one"[..]].refused, users[0]);
        assert!(!repeats.note(b"one", at(3), users[1], &actor));
        let one = repeats.seen().get_mut(&b"one"[..]).map(Repeat::take).unwrap();
        assert_eq!((one.times, one.refused, one.until), (2, Refused::Attempt(None), at(3)));
        let told = (0..2 * MOST)
            .filter(|n| repeats.note(&n.to_be_bytes(), at(1), Refused::Attempt(None), &actor))
            .count();
        assert_eq!((told, repeats.seen().len()), (MOST, MOST + 1));
        assert_eq!(repeats.seen()[&[][..]].times, i32::try_from(MOST).unwrap());
        // What overflows is of nobody, whoever it was.
        let client =
            Refused::Client(AuditAction::TokenIssued, Some((TenantId::default(), ApiKeyId::default())));
        let key = Actor { api_key: Some(ApiKeyId::default()), ..Actor::operator() };
        assert!(!repeats.note(b"one more", at(1), client, &key));
        let seen = repeats.seen();
        let many = &seen[&[][..]];
        assert_eq!((many.refused, many.actor.api_key), (Refused::Attempt(None), None));
    }
}
