//! What comes along with a call in its headers: who makes it, the version that the
//! resource must have, and the idempotency key.

use frontdesk_proto::{ErrorReason, MAX_IDEMPOTENCY_KEY, Refusal};
use prost::Message;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};

use crate::call::{Call, Key};
use crate::domain::actor::Actor;
use crate::domain::ids::{KeyId, UserId};

impl Call {
    /// The caller of a request.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let caller = access::caller(request)?;
        Ok(Self { tenant: caller.tenant()?, actor: actor(&caller)?, key: None, version: None })
    }

    /// With the version in the field `etag` or the header `If-Match`.
    pub fn with_version<T>(mut self, request: &Request<T>, field: &str) -> Result<Self, Status> {
        let header = single(request.metadata(), "if-match")?.filter(|header| header.trim() != "*");
        self.version = match (field, header) {
            ("", None) => None,
            ("", Some(header)) => Some(version(header.trim())),
            (field, None) => Some(version(field)),
            (field, Some(header)) if version(field) == version(header.trim()) => Some(version(field)),
            (_, Some(_)) => {
                return Err(Refusal::field("etag", "differs from If-Match; send one of them").into());
            }
        };
        Ok(self)
    }

    /// With the header `Idempotency-Key`, for a method that takes one.
    pub fn with_key<T: Message>(mut self, request: &Request<T>, method: &str) -> Result<Self, Status> {
        if let Some(text) = single(request.metadata(), "idempotency-key")? {
            if text.is_empty()
                || text.len() > MAX_IDEMPOTENCY_KEY
                || !text.bytes().all(|byte| byte.is_ascii_graphic())
            {
                return Err(Refusal::new(
                    ErrorReason::InvalidHeader,
                    format!("Idempotency-Key takes 1 to {MAX_IDEMPOTENCY_KEY} visible ASCII characters, for example a UUID. Nothing was stored."),
                )
                .with("header", "idempotency-key")
                .into());
            }
            // The version is part of what is asked for.
            let asked =
                [request.get_ref().encode_to_vec(), format!("{:?}", self.version).into_bytes()].concat();
            self.key = Some(Key::new(text.to_owned(), method, &asked));
        }
        Ok(self)
    }
}

/// Whose doing the call is. What a user may do is the user's doing, whatever key came
/// along; a key alone acts for itself.
fn actor(caller: &access::Caller) -> Result<Actor, Refusal> {
    match (caller.user, caller.api_key_id) {
        (Some(user), _) if caller.operator => Ok(Actor::Operator(UserId(user.id))),
        (Some(user), _) => Ok(Actor::User(UserId(user.id))),
        (None, Some(key)) => Ok(Actor::ApiKey(KeyId(key))),
        (None, None) => caller.user().map(|user| Actor::User(UserId(user.id))),
    }
}

/// The version in an etag; one that is not ours matches nothing.
fn version(etag: &str) -> i64 {
    let bare = etag.strip_prefix("W/").unwrap_or(etag);
    let bare = bare.strip_prefix('"').and_then(|bare| bare.strip_suffix('"')).unwrap_or(bare);
    bare.parse().ok().filter(|version| *version > 0).unwrap_or(-1)
}

fn single<'a>(metadata: &'a MetadataMap, name: &'static str) -> Result<Option<&'a str>, Status> {
    let refused = |what: &str| {
        Refusal::new(ErrorReason::InvalidHeader, format!("The header {name} {what}. Nothing was stored."))
            .with("header", name)
    };
    let mut values = metadata.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(refused("was sent twice").into());
    }
    value.to_str().map(Some).map_err(|_| refused("is not ASCII text").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_read_bare_quoted_and_weak() {
        for etag in ["7", "\"7\"", "W/\"7\""] {
            assert_eq!(version(etag), 7, "{etag}");
        }
        for foreign in ["", "\"", "x", "-7", "0", "7 ", "\"7", "*"] {
            assert_eq!(version(foreign), -1, "{foreign}");
        }
    }
}
