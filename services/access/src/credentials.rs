//! What a caller sent to say who it is.

use aws_lc_rs::digest::{SHA256, digest};
use boot::ProxyHeader;
use frontdesk_proto::{ErrorReason, Refusal};
use http::{HeaderMap, HeaderValue};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::way::Way;

/// Most bytes of a tenant API key.
const MAX_API_KEY: usize = 200;

/// The credentials of one call, unverified.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The bearer token, without the scheme.
    pub token: Option<String>,
    /// `x-tenant-id`.
    pub tenant: Option<Uuid>,
    /// `x-tenant-api-key`.
    pub api_key: Option<String>,
    /// `x-request-id`, which is sent along.
    pub request_id: Option<HeaderValue>,
    /// Where the call comes from, which is sent along.
    pub way: Way,
}

impl Credentials {
    /// Reads the headers of a call, behind proxies that write one of them. A header that is
    /// there twice is refused, because a proxy and we might each look at another one.
    pub fn read(headers: &HeaderMap, written: ProxyHeader) -> Result<Self, Refusal> {
        let token = match single(headers, "authorization")? {
            None => None,
            Some(value) => match value.split_once(' ') {
                Some((scheme, token))
                    if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() =>
                {
                    Some(token.trim().to_owned())
                }
                _ => {
                    return Err(Refusal::new(
                        ErrorReason::TokenInvalid,
                        "The Authorization header is not `Bearer <access token>`.",
                    )
                    .with("fault", "scheme"));
                }
            },
        };
        let tenant = match single(headers, "x-tenant-id")? {
            None => None,
            Some(value) => Some(uuid(value).ok_or_else(|| {
                let sentence =
                    "X-TENANT-ID is not a UUID as paths have it, for example 0190163d-8694-739b-aea5-966c26f8ad91.";
                Refusal::new(ErrorReason::InvalidHeader, sentence).with("header", "x-tenant-id")
            })?),
        };
        let api_key = single(headers, "x-tenant-api-key")?.map(str::to_owned);
        if api_key.as_ref().is_some_and(|key| key.len() > MAX_API_KEY) {
            return Err(Refusal::new(
                ErrorReason::InvalidHeader,
                format!("X-TENANT-API-KEY is longer than {MAX_API_KEY} bytes."),
            )
            .with("header", "x-tenant-api-key"));
        }
        let request_id = headers.get("x-request-id").cloned();
        let way = Way::read(headers, written)?;
        Ok(Self { token, tenant, api_key, request_id, way })
    }

    /// SHA-256 of the way to here, for cache keys.
    pub(crate) fn way_hash(&self) -> [u8; 32] {
        let mut text = Vec::new();
        for (name, line) in self.way.to_here() {
            text.extend([name.as_str().as_bytes(), b":", line.as_bytes(), b"\n"].concat());
        }
        sha256(text)
    }

    /// SHA-256 of the API key, for cache keys.
    pub(crate) fn api_key_hash(&self) -> Option<[u8; 32]> {
        self.api_key.as_deref().map(sha256)
    }
}

/// In the one form that fields and paths take, too.
fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == Hyphenated::LENGTH)
}

pub(crate) fn sha256(text: impl AsRef<[u8]>) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_ref()).as_ref());
    hash
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Credentials")
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("tenant", &self.tenant)
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .finish_non_exhaustive()
    }
}

/// The value of a header that may be sent once; an empty value counts as none.
fn single<'headers>(
    headers: &'headers HeaderMap,
    name: &'static str,
) -> Result<Option<&'headers str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::new(
            ErrorReason::InvalidHeader,
            format!("The header {name} was sent twice; send it once."),
        )
        .with("header", name));
    }
    let value = value.to_str().map_err(|_| {
        Refusal::new(
            ErrorReason::InvalidHeader,
            format!("The header {name} has characters that are not ASCII."),
        )
        .with("header", name)
    })?;
    Ok(Some(value.trim()).filter(|value| !value.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &HeaderMap) -> Result<Credentials, Refusal> {
        Credentials::read(headers, ProxyHeader::Auto)
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_header_sent_twice_is_refused_by_name() {
        for name in ["authorization", "x-tenant-id", "x-tenant-api-key"] {
            let refusal = read(&headers(&[(name, "Bearer a"), (name, "Bearer b")])).unwrap_err();
            assert_eq!(refusal.reason(), ErrorReason::InvalidHeader);
            assert!(refusal.message().contains(name));
        }
    }

    #[test]
    fn a_tenant_has_the_form_that_paths_take() {
        let tenant = |value| read(&headers(&[("x-tenant-id", value)])).map(|read| read.tenant);
        let id = Uuid::from_u128(0x0190_163d_8694_739b_aea5_966c_26f8_ad91);
        for good in ["0190163d-8694-739b-aea5-966c26f8ad91", "0190163D-8694-739B-AEA5-966C26F8AD91"] {
            assert_eq!(tenant(good).unwrap(), Some(id));
        }
        for bad in [
            "0190163d8694739baea5966c26f8ad91",
            "{0190163d-8694-739b-aea5-966c26f8ad91}",
            "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad91",
            "alpine",
        ] {
            assert_eq!(tenant(bad).unwrap_err().reason(), ErrorReason::InvalidHeader, "{bad}");
        }
    }

    #[test]
    fn only_the_bearer_scheme_is_taken() {
        assert_eq!(read(&headers(&[("authorization", "bearer  x")])).unwrap().token.as_deref(), Some("x"));
        for bad in ["Basic eDp5", "x", "Bearer ", "Bearer"] {
            let refusal = read(&headers(&[("authorization", bad)])).unwrap_err();
            assert_eq!(refusal.reason(), ErrorReason::TokenInvalid, "{bad}");
        }
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let read = read(&headers(&[("authorization", "Bearer tok"), ("x-tenant-api-key", "sec")])).unwrap();
        let text = format!("{read:?}");
        assert!(!text.contains("tok\"") && !text.contains("sec\""), "{text}");
    }
}
