//! What comes along with a call in its headers: who makes it, the version that the
//! resource must have, and the idempotency key.

use frontdesk_proto::{ErrorReason, MAX_IDEMPOTENCY_KEY, Refusal};
use prost::Message;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};

use crate::call::{Call, Key, KeyedCall};
use crate::domain::actor::Actor;
use crate::domain::ids::{KeyId, UserId};
use crate::domain::version::Expected;

impl Call {
    /// The caller of a request.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let caller = access::caller(request)?;
        Ok(Self { tenant: caller.tenant()?, actor: actor(&caller)?, expected: Expected::Any })
    }

    /// With the version in the field `etag` or the header `If-Match`.
    pub fn with_version<T>(mut self, request: &Request<T>, field: &str) -> Result<Self, Status> {
        let header = if_match(request.metadata())?;
        self.expected = match (field, header) {
            ("", header) => header,
            (field, Expected::Any) => one(field),
            (field, Expected::OneOf { tags, .. }) if tags.iter().any(|tag| tag == bare(field)) => one(field),
            (_, Expected::OneOf { .. }) => {
                return Err(Refusal::field("etag", "differs from If-Match; send one of them").into());
            }
        };
        Ok(self)
    }

    /// With the header `Idempotency-Key`, for a method that takes one.
    pub fn with_key<T: Message>(self, request: &Request<T>, method: &str) -> Result<KeyedCall, Status> {
        let Some(text) = single(request.metadata(), "idempotency-key")? else {
            return Ok(KeyedCall { call: self, key: None });
        };
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
        let asked = [request.get_ref().encode_to_vec(), self.expected.text().into_bytes()].concat();
        let key = Some(Key::new(text.to_owned(), method, &asked, self.actor));
        Ok(KeyedCall { call: self, key })
    }
}

/// Refuses a caller who lacks a scope that a field of the call needs, beside those of
/// its method.
pub fn require_scope<T>(request: &Request<T>, scope: &'static str) -> Result<(), Status> {
    let caller = access::caller(request)?;
    if caller.scopes.iter().any(|held| held == scope) {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorReason::ScopeMissing,
        format!("Rules are set aside by those with the scope {scope}, which your role does not give you. Nothing was stored: leave `override_rules` out, or ask somebody who has it."),
    )
    .with("required", scope)
    .with("missing", scope)
    .with("granted", caller.scopes.join(" "))
    .into())
}

/// Who makes the call. What a user may do is the user's doing, whatever key came
/// along, unless it is a client's that acts for the user; a key alone acts for itself.
fn actor(caller: &access::Caller) -> Result<Actor, Refusal> {
    if let (Some(access::Acting::Client(client)), Some(user)) = (caller.acting, caller.user) {
        return Ok(Actor::Delegate(KeyId(client), UserId(user.id)));
    }
    match (caller.user, caller.api_key_id) {
        (Some(user), _) if caller.operator => Ok(Actor::Operator(Some(UserId(user.id)))),
        (Some(user), _) => Ok(Actor::User(UserId(user.id))),
        (None, Some(key)) => Ok(Actor::ApiKey(KeyId(key))),
        (None, None) => caller.user().map(|user| Actor::User(UserId(user.id))),
    }
}

/// The versions in the lines of `If-Match` (RFC 9110, 13.1.1). `*` is whatever there
/// is. Tags compare strongly, so that a weak one matches nothing.
fn if_match(metadata: &MetadataMap) -> Result<Expected, Status> {
    let mut lines = Vec::new();
    for value in metadata.get_all("if-match") {
        lines.push(value.to_str().map_err(|_| refused("if-match", "is not ASCII text"))?.trim());
    }
    match lines.as_slice() {
        [] => Ok(Expected::Any),
        ["*"] => Ok(Expected::Any),
        lines => {
            let (mut tags, mut weak) = (Vec::new(), false);
            for line in lines {
                let read = line_of_tags(line).filter(|read| !read.is_empty());
                for tag in read.ok_or_else(|| refused("if-match", "takes `*`, or tags in quotes"))? {
                    match tag {
                        Tag::Strong(tag) => tags.push(tag.to_owned()),
                        Tag::Weak => weak = true,
                    }
                }
            }
            Ok(Expected::OneOf { tags, weak })
        }
    }
}

enum Tag<'a> {
    Strong(&'a str),
    Weak,
}

/// The tags of a line; those without quotes are taken, too. `None` for what is no
/// list of tags.
fn line_of_tags(line: &str) -> Option<Vec<Tag<'_>>> {
    let (mut tags, mut rest) = (Vec::new(), line);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(tags);
        }
        let (weak, from) = rest.strip_prefix("W/").map_or((false, rest), |from| (true, from));
        let (tag, after) = match from.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => from.split_at(from.find(',').unwrap_or(from.len())),
        };
        let after = after.trim_start();
        let tag = tag.trim();
        if !(after.is_empty() || after.starts_with(',')) || tag == "*" || tag.contains('"') {
            return None;
        }
        tags.push(if weak { Tag::Weak } else { Tag::Strong(tag) });
        rest = after;
    }
}

/// The version in a field, with or without quotes; a weak one matches nothing there
/// as well.
fn one(field: &str) -> Expected {
    if field.starts_with("W/") {
        return Expected::OneOf { tags: Vec::new(), weak: true };
    }
    Expected::OneOf { tags: vec![bare(field).to_owned()], weak: false }
}

fn bare(tag: &str) -> &str {
    tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag)
}

fn refused(name: &'static str, what: &str) -> Status {
    Refusal::new(ErrorReason::InvalidHeader, format!("The header {name} {what}. Nothing was stored."))
        .with("header", name)
        .into()
}

fn single<'a>(metadata: &'a MetadataMap, name: &'static str) -> Result<Option<&'a str>, Status> {
    let mut values = metadata.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(refused(name, "was sent twice"));
    }
    value.to_str().map(Some).map_err(|_| refused(name, "is not ASCII text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Option<Expected> {
        let mut metadata = MetadataMap::new();
        for line in lines {
            metadata.append("if-match", line.parse().unwrap());
        }
        if_match(&metadata).ok()
    }

    fn one_of(tags: &[&str], weak: bool) -> Expected {
        Expected::OneOf { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), weak }
    }

    #[test]
    fn tags_are_read_from_lists_and_several_lines() {
        assert_eq!(read(&[]), Some(Expected::Any));
        assert_eq!(read(&["*"]), Some(Expected::Any));
        assert_eq!(read(&["7"]), Some(one_of(&["7"], false)));
        assert_eq!(read(&["\"7\""]), Some(one_of(&["7"], false)));
        assert_eq!(read(&["\"0\", \"7\"", " \"9\""]), Some(one_of(&["0", "7", "9"], false)));
        assert_eq!(read(&["\"a,b\" ,, c"]), Some(one_of(&["a,b", "c"], false)));
        assert_eq!(read(&["W/\"7\""]), Some(one_of(&[], true)));
        assert_eq!(read(&["W/\"7\", \"7\""]), Some(one_of(&["7"], true)));
        for broken in [&[""][..], &["\"7"], &["\"7\" \"8\""], &["*, \"7\""], &["*", "*"], &["7\""], &[","]] {
            assert_eq!(read(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn a_field_has_one_tag_with_or_without_quotes() {
        assert_eq!(one("7"), one_of(&["7"], false));
        assert_eq!(one("\"7\""), one_of(&["7"], false));
        assert_eq!(one("W/\"7\""), one_of(&[], true));
        assert_eq!(one("\"7"), one_of(&["\"7"], false));
    }
}
