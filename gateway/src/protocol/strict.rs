//! What HTTP asks of every request, whatever it is for: one host, a body whose type is said
//! once and whose framing everybody reads alike, a head of bounded size (RFC 9110, 9112, 9113).
//! hyper reads messages, and leaves to whoever answers them what is wrong with them as
//! requests. Two servers that read one request in two ways are how requests are smuggled.

use frontdesk_proto::{ErrorReason, Refusal};
use http::header::{CONTENT_TYPE, HOST, HeaderName, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Version};

use super::kind::Kind;
use crate::answer::failure::{Failure, HttpWords};
use crate::call::headers::MAX_HEAD;

/// Bytes of a header besides its name and value.
const AROUND: usize = 4;

/// Refuses a request that is none.
pub fn check<B>(request: &Request<B>, kind: Kind) -> Result<(), Failure> {
    check_size(request)?;
    check_host(request)?;
    let headers = request.headers();
    if headers.get_all(CONTENT_TYPE).iter().nth(1).is_some() {
        return Err(unfit(&CONTENT_TYPE, "is there twice, and the body is of one type").into());
    }
    if request.version() >= Version::HTTP_2 {
        return Ok(());
    }
    check_coding(headers)?;
    if kind == Kind::Grpc {
        let sentence = "gRPC goes over HTTP/2: its status comes after the message, where HTTP/1.1 clients do not look. Connect by HTTP/2 (h2c on this port), or send gRPC-Web or JSON over REST.";
        let refusal = Refusal::new(ErrorReason::MalformedRequest, sentence);
        return Err(HttpWords::status(refusal, StatusCode::HTTP_VERSION_NOT_SUPPORTED));
    }
    Ok(())
}

fn check_size<B>(request: &Request<B>) -> Result<(), Failure> {
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let headers = request.headers().iter();
    let size = headers.fold(path, |sum, (name, value)| sum + name.as_str().len() + value.len() + AROUND);
    if size <= MAX_HEAD {
        return Ok(());
    }
    let largest = request.headers().iter().max_by_key(|(_, value)| value.len());
    let (name, length) = largest.map_or(("none", 0), |(name, value)| (name.as_str(), value.len()));
    let name: String = name.chars().take(64).collect();
    let sentence = format!(
        "Path and headers have {size} bytes, of which {MAX_HEAD} are taken. The longest header is {name} with {length}: send less, or delete the cookies of this site."
    );
    let refusal = Refusal::new(ErrorReason::InvalidHeader, sentence)
        .with("header", name)
        .with("limit_bytes", MAX_HEAD.to_string());
    Err(HttpWords::status(refusal, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE))
}

/// RFC 9112, 3.2, and RFC 9113, 8.3.1. HTTP/1.0 may leave it out.
fn check_host<B>(request: &Request<B>) -> Result<(), Refusal> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let of_target = request.uri().authority();
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Err(unfit(&HOST, "is there twice")),
        (None, None) if request.version() == Version::HTTP_11 => {
            Err(unfit(&HOST, "is missing, which HTTP/1.1 asks for"))
        }
        (None, None) => Ok(()),
        (Some(host), None) if !is_host(host) => Err(unfit(&HOST, "is no host with or without a port")),
        (Some(host), None) => {
            let differs =
                |target: &Authority| !host.as_bytes().eq_ignore_ascii_case(target.as_str().as_bytes());
            if request.version() >= Version::HTTP_2 && of_target.is_some_and(differs) {
                return Err(unfit(&HOST, "is another one than :authority"));
            }
            Ok(())
        }
    }
}

fn is_host(value: &HeaderValue) -> bool {
    let Some(authority) = value.to_str().ok().and_then(|text| text.parse::<Authority>().ok()) else {
        return false;
    };
    let (text, host) = (authority.as_str(), authority.host());
    let Some(port) = text.strip_prefix(host) else { return false };
    let is_port = |port: &str| {
        port.is_empty() || port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
    };
    // Of the letters of RFC 3986 those that names and addresses have: a comma is two hosts that
    // a proxy has put together.
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%[]:".contains(&byte));
    !host.is_empty() && is_name && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

/// A coding of the transfer besides its chunks is none that anybody here would take off
/// (RFC 9112, 6.1).
fn check_coding(headers: &HeaderMap) -> Result<(), Failure> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let is_plain =
        codings.next().is_none_or(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"));
    if is_plain && codings.next().is_none() {
        return Ok(());
    }
    let refusal =
        unfit(&TRANSFER_ENCODING, "has other codings than `chunked`; a compressed body has Content-Encoding");
    Err(HttpWords::status(refusal, StatusCode::NOT_IMPLEMENTED))
}

fn unfit(name: &HeaderName, what: &str) -> Refusal {
    let name = name.as_str();
    Refusal::new(ErrorReason::InvalidHeader, format!("The header {name} {what}.")).with("header", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers<'h> = &'h [(&'h str, &'h [u8])];

    /// The status of the refusal, and the header that it names.
    fn refused(version: Version, uri: &str, headers: Headers<'_>) -> Option<(u16, String)> {
        let mut request = Request::builder().version(version).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let failure = check(&request, Kind::of(request.headers(), || false)).err()?;
        let (refusal, status) = match failure {
            Failure::Refused(refusal) => (refusal, None),
            Failure::OfHttp(refusal, told) => (refusal, told.status),
            other => panic!("{other:?}"),
        };
        let status = status.map_or(refusal.reason().wire().http_status, |status| status.as_u16());
        let header = refusal.metadata().find(|(key, _)| *key == "header");
        Some((status, header.map(|(_, name)| name.to_owned()).unwrap_or_default()))
    }

    #[test]
    fn one_host_is_named_and_is_one() {
        for host in ["api.example", "API.example.:8080", "localhost:0", "[::1]:8080", "10.0.0.7:", "a_b"] {
            assert_eq!(refused(Version::HTTP_11, "/", &[("host", host.as_bytes())]), None, "{host}");
        }
        let bad = Some((400, "host".to_owned()));
        for host in [
            "",
            "a b",
            "user@api.example",
            "api.example:99999",
            "api.example:8o",
            "a/b",
            ":80",
            "a,b",
            "a:+1",
            "a:1:2",
        ] {
            assert_eq!(refused(Version::HTTP_11, "/", &[("host", host.as_bytes())]), bad, "{host}");
        }
        assert_eq!(refused(Version::HTTP_11, "/", &[("host", b"\xff")]), bad);
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            assert_eq!(refused(version, "/", &[("host", b"a"), ("host", b"a")]), bad, "{version:?}");
        }
        assert_eq!(refused(Version::HTTP_11, "/", &[]), bad);
        assert_eq!(refused(Version::HTTP_10, "/", &[]), None);
        assert_eq!(refused(Version::HTTP_2, "http://api.example/", &[]), None);
        assert_eq!(refused(Version::HTTP_2, "http://api.example/", &[("host", b"API.example")]), None);
        assert_eq!(refused(Version::HTTP_2, "http://api.example/", &[("host", b"other")]), bad);
        // The target counts there, and nobody reads the header.
        assert_eq!(refused(Version::HTTP_11, "http://api.example/", &[("host", b"other")]), None);
    }

    #[test]
    fn what_is_said_of_a_body_is_said_once_and_in_ways_that_are_served() {
        let with = |headers: Headers<'_>| {
            refused(Version::HTTP_11, "/", &[&[("host", &b"a"[..])], headers].concat())
        };
        assert_eq!(with(&[("transfer-encoding", b"chunked")]), None);
        assert_eq!(with(&[("transfer-encoding", b" Chunked ")]), None);
        for codings in [
            &[&b"gzip, chunked"[..]][..],
            &[b"chunked, chunked"],
            &[b"gzip", b"chunked"],
            &[b"identity"],
            &[b""],
        ] {
            let headers: Vec<(&str, &[u8])> = codings.iter().map(|one| ("transfer-encoding", *one)).collect();
            assert_eq!(with(&headers), Some((501, "transfer-encoding".to_owned())), "{codings:?}");
        }
        let twice = Some((400, "content-type".to_owned()));
        assert_eq!(with(&[("content-type", b"application/json"), ("content-type", b"text/plain")]), twice);
        assert_eq!(
            with(&[("content-type", b"application/json"), ("content-type", b"application/json")]),
            twice
        );
    }

    #[test]
    fn grpc_is_for_http_2_and_its_other_forms_for_both() {
        for (content_type, old) in [
            ("application/grpc", Some((505, String::new()))),
            ("Application/gRPC+proto; x=y", Some((505, String::new()))),
            ("application/grpc-web+proto", None),
            ("application/json", None),
        ] {
            let headers: Headers<'_> = &[("host", b"a"), ("content-type", content_type.as_bytes())];
            assert_eq!(refused(Version::HTTP_11, "/", headers), old, "{content_type}");
            assert_eq!(refused(Version::HTTP_10, "/", headers), old, "{content_type}");
            assert_eq!(refused(Version::HTTP_2, "/", headers), None, "{content_type}");
        }
    }

    #[test]
    fn a_head_of_too_many_bytes_is_refused_by_its_longest_header() {
        let value = vec![b'x'; MAX_HEAD];
        let long = refused(Version::HTTP_11, "/", &[("host", b"a"), ("cookie", &value)]);
        assert_eq!(long, Some((431, "cookie".to_owned())));
        let fits = &value[..MAX_HEAD - 100];
        assert_eq!(refused(Version::HTTP_11, "/", &[("host", b"a"), ("cookie", fits)]), None);
        let path = format!("/{}", "x".repeat(MAX_HEAD));
        assert_eq!(refused(Version::HTTP_2, &path, &[("host", b"a")]), Some((431, "host".to_owned())));
    }
}
