//! Small conversions that several services need.

use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::rest::v1::Format;
use jiff::Timestamp;
use tonic::Request;
use uuid::Uuid;

use crate::domain::factor::{Factor, FactorKind};
use crate::domain::field::InvalidField;
use crate::domain::ids;
use crate::domain::mail::Language;
use crate::domain::user::{User, UserKind};
use crate::error::Error;

/// An id in a request's field.
pub(super) fn id<I: From<Uuid>>(field: &'static str, text: &str) -> Result<I, Error> {
    let needed = || InvalidField::new(field, Format::Uuid.form().takes.clone());
    Ok(ids::parse(text).ok_or_else(needed)?)
}

/// The language in which a caller is written to.
pub(super) fn language<T>(request: &Request<T>) -> Language {
    let accepted = request.metadata().get("accept-language").and_then(|value| value.to_str().ok());
    Language::preferred(accepted.unwrap_or_default())
}

pub(super) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

/// An id that is not there is empty.
pub(super) fn id_or_empty(id: Option<impl ToString>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

pub(super) fn count(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

pub(super) fn user(user: User) -> wire::User {
    let User { id, email, display_name, kind, created_at, disabled_at, email_confirmed_at } = user;
    let kind = match kind {
        UserKind::Person => wire::UserKind::Person,
        UserKind::Service => wire::UserKind::Service,
    };
    wire::User {
        id: id.to_string(),
        email,
        display_name,
        kind: kind.into(),
        created_at: Some(timestamp(created_at)),
        disabled_at: disabled_at.map(timestamp),
        email_confirmed_at: email_confirmed_at.map(timestamp),
    }
}

pub(super) fn factor(factor: Factor) -> wire::Factor {
    let Factor {
        id,
        user: _,
        kind,
        name,
        sealed: _,
        created_at,
        verified_at,
        last_used_at,
        wrong_codes: _,
        enrolled_in: _,
        signs_in_alone,
    } = factor;
    let kind = match kind {
        FactorKind::Totp => wire::FactorKind::Totp,
        FactorKind::Passkey => wire::FactorKind::Passkey,
        FactorKind::Other => wire::FactorKind::Unspecified,
    };
    wire::Factor {
        id: id.to_string(),
        kind: kind.into(),
        name,
        verified: verified_at.is_some(),
        created_at: Some(timestamp(created_at)),
        verified_at: verified_at.map(timestamp),
        last_used_at: last_used_at.map(timestamp),
        signs_in_alone,
    }
}
