//! Entity tags (RFC 9110, 8.8.3): how a version is written as one, and whether a caller has
//! the version that it asks for. What a version is the services say.

use http::header::{ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use tonic::body::Body;

/// A version as its tag; nothing where it has a letter that no tag has, such as a quote.
pub fn tag(version: &str, weak: bool) -> Option<HeaderValue> {
    let fits = version.bytes().all(|byte| byte > b' ' && byte != b'"' && byte != 0x7f);
    let text = [if weak { "W/" } else { "" }, "\"", version, "\""].concat();
    fits.then(|| HeaderValue::from_bytes(text.as_bytes()).ok()).flatten()
}

/// The tag of this version, if the caller has it, as it says it; tags compare weakly
/// (RFC 9110, 13.1.2).
pub fn known(headers: &HeaderMap, version: &str) -> Option<HeaderValue> {
    let current = tag(version, false)?;
    for value in headers.get_all(IF_NONE_MATCH) {
        if value.as_bytes().trim_ascii() == b"*" {
            return Some(current);
        }
        let found =
            Tags(value.as_bytes()).find(|one| one.strip_prefix(b"W/").unwrap_or(one) == current.as_bytes());
        if let Some(found) = found {
            return HeaderValue::from_bytes(found).ok();
        }
    }
    None
}

/// The answer to whoever has this version: with what the whole one would say of how it is kept
/// (RFC 9110, 15.4.5).
pub fn not_modified(tag: HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().insert(ETAG, tag);
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// The tags of a list, as far as it can be read. A tag may have a comma in it.
struct Tags<'v>(&'v [u8]);

impl<'v> Iterator for Tags<'v> {
    type Item = &'v [u8];

    fn next(&mut self) -> Option<&'v [u8]> {
        let start = self.0.iter().position(|byte| !matches!(byte, b',' | b' ' | b'\t'))?;
        let text = &self.0[start..];
        let opens = if text.starts_with(b"W/\"") { 3 } else { usize::from(text.starts_with(b"\"")) };
        let closes = text.get(opens..)?.iter().position(|byte| *byte == b'"').filter(|_| opens > 0)?;
        let (found, rest) = text.split_at(opens + closes + 1);
        self.0 = rest;
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &[&str], version: &str) -> Option<String> {
        let lines =
            lines.iter().map(|line| (IF_NONE_MATCH, HeaderValue::from_bytes(line.as_bytes()).unwrap()));
        let found = known(&lines.collect(), version)?;
        Some(String::from_utf8(found.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_version_with_letters_that_no_tag_has_gets_none() {
        assert_eq!(tag("a,b", false).unwrap(), "\"a,b\"");
        assert_eq!(tag("a", true).unwrap(), "W/\"a\"");
        assert_eq!(tag("\u{e9}", false).unwrap().as_bytes(), "\"\u{e9}\"".as_bytes());
        for bad in ["a\"b", "a b", "a\tb", "a\nb", "a\u{7f}", "\""] {
            assert_eq!(tag(bad, false), None, "{bad:?}");
            assert_eq!(asked(&["*"], bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_version_is_known_by_one_of_the_tags() {
        for (lines, told) in [
            (&["\"v\""][..], Some("\"v\"")),
            (&["W/\"v\""], Some("W/\"v\"")),
            (&["*"], Some("\"v\"")),
            (&[" * "], Some("\"v\"")),
            (&["\"x\", \"v\""], Some("\"v\"")),
            (&["\"x\",,\t\"v\" "], Some("\"v\"")),
            (&["\"x\"", "\"v\""], Some("\"v\"")),
            (&["\"a,\", \"v\""], Some("\"v\"")),
            (&["\"a,v\""], None),
            (&["W/W/\"v\""], None),
            (&["w/\"v\""], None),
            (&["v"], None),
            (&["x, \"v\""], None),
            (&["\"v"], None),
            (&["\"x\", *"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(asked(lines, "v").as_deref(), told, "{lines:?}");
        }
        assert_eq!(asked(&["\"x\", W/\"a,b\""], "a,b").as_deref(), Some("W/\"a,b\""));
    }
}
