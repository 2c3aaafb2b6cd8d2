//! Which trace a call belongs to, as the header `traceparent` says it (W3C Trace
//! Context, version 00): every hop sends it on with its own span in it.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    pub trace: u128,
    pub span: u64,
    /// Whether the trace is kept.
    pub sampled: bool,
}

impl Context {
    /// The one that a call came with, if it came with one that can be read.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        Self::read(value.to_str().ok()?)
    }

    /// Later versions may have more after the flags.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let version = hex(parts.next()?, 2)?;
        let (trace, span) = (hex(parts.next()?, 32)?, hex(parts.next()?, 16)?);
        let flags = hex(parts.next()?, 2)?;
        let fits = version != 0xff && (version > 0 || parts.next().is_none()) && trace != 0 && span != 0;
        fits.then(|| Some(Self { trace, span: u64::try_from(span).ok()?, sampled: flags & 1 == 1 }))?
    }

    /// The first place of a trace, which is kept in so many of a hundred.
    pub fn begin(percent: u8) -> Self {
        let trace = Uuid::now_v7().as_u128();
        // The end of such an id is random.
        let sampled = (trace & 0xffff_ffff) * 100 < u128::from(percent) << 32;
        Self { trace, span: new_span(), sampled }
    }

    /// A place below this one.
    pub fn below(self) -> Self {
        Self { span: new_span(), ..self }
    }

    pub fn header(self) -> Option<HeaderValue> {
        let mut header = HeaderValue::from_str(&self.to_string()).ok()?;
        // Each call has a different one, as with the request's id (`request_id.rs`).
        header.set_sensitive(true);
        Some(header)
    }
}

impl fmt::Display for Context {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, span, sampled } = self;
        write!(out, "00-{trace:032x}-{span:016x}-{:02x}", u8::from(*sampled))
    }
}

fn new_span() -> u64 {
    Uuid::now_v7().as_u64_pair().1
}

/// Lower-case digits only, and as many as there should be.
fn hex(text: &str, length: usize) -> Option<u128> {
    let digits = text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    u128::from_str_radix(text, 16).ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_is_read_as_the_recommendation_says() {
        let context = Context::read(GOOD).unwrap();
        assert_eq!(context.to_string(), GOOD);
        assert!(context.header().unwrap().is_sensitive(), "HPACK would keep it");
        assert!(context.sampled && context.below().trace == context.trace);
        assert_ne!(context.below().span, context.span);
        assert!(!Context::read(&GOOD.replace("-01", "-02")).unwrap().sampled);
        assert!(Context::read(&format!("{}-more", GOOD.replace("00-4", "01-4"))).is_some());
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            &format!("{GOOD}-more"),
            &GOOD.replace("00-4", "ff-4"),
            &GOOD.to_uppercase(),
            &GOOD.replace("00f067aa0ba902b7", "0000000000000000"),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
            &GOOD.replace("-01", "-1"),
        ] {
            assert_eq!(Context::read(bad), None, "{bad}");
        }
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert!(Context::of(&headers).is_some());
        headers.append(TRACEPARENT, HeaderValue::from_static(GOOD));
        assert_eq!(Context::of(&headers), None, "two say two things");
    }

    #[test]
    fn as_many_traces_are_kept_as_should_be() {
        let kept = |percent| (0..2000).filter(|_| Context::begin(percent).sampled).count();
        assert_eq!((kept(0), kept(100)), (0, 2000));
        assert!((700..1300).contains(&kept(50)));
    }
}
