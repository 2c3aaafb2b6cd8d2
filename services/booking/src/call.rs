//! What comes along with a call: who makes it, and under which conditions.

use std::sync::Arc;

use access::TenantId;
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use prost::Message;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::error::Error;
use crate::store::{Act, Begun, Key, Schema, Store};

/// Longest idempotency key.
const MAX_KEY: usize = 255;

/// A caller in its tenant.
#[derive(Debug, Clone)]
pub struct Call {
    pub tenant: TenantId,
    /// Nobody when an API key calls.
    pub actor: Option<Uuid>,
    /// The idempotency key, with what it is used for.
    pub key: Option<Key>,
    /// The version that the resource must have.
    pub version: Option<i64>,
}

impl Call {
    /// The caller of a request.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let caller = access::caller(request)?;
        Ok(Self {
            tenant: caller.tenant()?,
            actor: caller.user.map(|user| user.id),
            key: None,
            version: None,
        })
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
                return Err(
                    Refusal::field("etag", "is another one than If-Match has; send one of them").into()
                );
            }
        };
        Ok(self)
    }

    /// With the header `Idempotency-Key`, for a method that takes one.
    pub fn with_key<T: Message>(mut self, request: &Request<T>, method: &str) -> Result<Self, Status> {
        if let Some(text) = single(request.metadata(), "idempotency-key")? {
            if text.is_empty() || text.len() > MAX_KEY || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Refusal::new(
                    ErrorReason::InvalidHeader,
                    format!("Idempotency-Key takes 1 to {MAX_KEY} visible ASCII characters, for example a UUID. Nothing was stored."),
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

    /// Who acts when; each attempt at a change is an act of its own.
    pub fn act(&self) -> Act {
        Act { tenant: self.tenant, actor: self.actor, at: Timestamp::now(), event: Uuid::now_v7() }
    }

    /// Begins an attempt at a change.
    pub async fn begin<M: Message + Default>(
        &self,
        store: &Store,
        schema: &Arc<Schema>,
    ) -> Result<Begun<M>, Error> {
        match store.begin(schema, self.act(), self.key.as_ref()).await? {
            Begun::Fresh(deed) => Ok(Begun::Fresh(deed)),
            Begun::Answered(stored) => M::decode(stored.as_slice())
                .map(Begun::Answered)
                .map_err(|error| pg::Fault::new(pg::Kind::Other, format!("a stored answer: {error}")).into()),
        }
    }

    /// Refuses when the resource has another version than the call expects.
    pub fn check_version(&self, current: i64) -> Result<(), Error> {
        match self.version {
            Some(expected) if expected != current => Err(Error::EtagMismatch { current }),
            _ => Ok(()),
        }
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
