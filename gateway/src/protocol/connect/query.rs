//! A call in a query: GET, for methods that change nothing. Parameters come in any order, and
//! those that nobody knows are passed over, as the protocol has it.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use frontdesk_proto::{ErrorReason, Refusal};

use super::codec::Codec;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the query says.
#[derive(Debug, Default)]
struct Parameters {
    message: Option<Vec<u8>>,
    encoding: Option<Vec<u8>>,
    base64: Option<Vec<u8>>,
    compression: Option<Vec<u8>>,
    connect: Option<Vec<u8>>,
}

/// A call that was read.
#[derive(Debug)]
pub struct Asked {
    /// `None` for one that nobody knows.
    pub codec: Option<Codec>,
    pub message: Bytes,
    /// How the message is compressed, if that is said.
    pub compression: Option<String>,
}

impl Asked {
    /// The call of a query.
    pub fn read(query: Option<&str>) -> Result<Self, Refusal> {
        let mut said = Parameters::default();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match name {
                "message" => &mut said.message,
                "encoding" => &mut said.encoding,
                "base64" => &mut said.base64,
                "compression" => &mut said.compression,
                "connect" => &mut said.connect,
                _ => continue,
            };
            let value = decoded(value).ok_or_else(|| wrong(name, "has a % without two hex digits"))?;
            if place.replace(value).is_some() {
                return Err(wrong(name, "is there twice"));
            }
        }
        let Parameters { message, encoding, base64, compression, connect } = said;
        if connect.is_some_and(|version| version != b"v1") {
            return Err(wrong("connect", "takes v1, the only version there is"));
        }
        let encoding =
            encoding.ok_or_else(|| wrong("encoding", "is missing; send encoding=json or encoding=proto"))?;
        let codec = std::str::from_utf8(&encoding).ok().and_then(Codec::named);
        let message = message.ok_or_else(|| wrong("message", "is missing; an empty message is message="))?;
        let message = if base64.is_some_and(|value| value == b"1") {
            BASE64
                .decode(&message)
                .map_err(|_| wrong("message", "is not base64 for URLs, as base64=1 says"))?
        } else {
            message
        };
        let compression = compression.map(|name| String::from_utf8_lossy(&name).into_owned());
        Ok(Self { codec, message: message.into(), compression })
    }
}

fn wrong(name: &str, what: &str) -> Refusal {
    Refusal::new(ErrorReason::MalformedRequest, format!("The query parameter `{name}` {what}."))
        .violation(name, what)
}

/// Form rules: `+` is a space.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
                rest = after.get(2..)?;
                u8::try_from(digit(0)? * 16 + digit(1)?).ok()?
            }
            other => other,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_from_its_query_in_any_order() {
        let read = |query: &str| Asked::read(Some(query)).unwrap();
        let asked = read("x=y&connect=v1&encoding=json&message=%7B%22a%22:1%7D");
        assert_eq!((asked.codec, &asked.message[..]), (Some(Codec::Json), &br#"{"a":1}"#[..]));
        for message in ["-_8", "-_8%3D", "-_8="] {
            let asked = read(&format!("message={message}&base64=1&compression=gzip&encoding=proto"));
            assert_eq!((asked.codec, &asked.message[..]), (Some(Codec::Proto), &[0xfb, 0xff][..]));
            assert_eq!(asked.compression.as_deref(), Some("gzip"));
        }
        let asked = read("message=-_8&base64=2&encoding=xml");
        assert_eq!((asked.codec, &asked.message[..]), (None, &b"-_8"[..]));
    }

    #[test]
    fn a_query_that_is_not_one_call_names_the_parameter() {
        for (query, name) in [
            ("", "encoding"),
            ("encoding=json", "message"),
            ("message=", "encoding"),
            ("connect=v2&encoding=json&message=", "connect"),
            ("encoding=json&message=%zz", "message"),
            ("encoding=json&message=%", "message"),
            ("encoding=json&message=%C3%A", "message"),
            ("encoding=json&message=a&message=a", "message"),
            ("encoding=proto&message=a%2Bb&base64=1", "message"),
        ] {
            let refusal = Asked::read(Some(query)).unwrap_err();
            assert_eq!(refusal.reason(), ErrorReason::MalformedRequest);
            assert_eq!(refusal.violations()[0].field, name, "{query}");
        }
        assert!(Asked::read(None).is_err());
    }
}
