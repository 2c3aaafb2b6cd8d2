//! How long a call may take, as `grpc-timeout` says it. What happens when the
//! time is over is the business of those who read it.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

/// The header in which gRPC says it.
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
/// What the header takes, for refusals.
pub const GRPC_TIMEOUT_FORM: &str = "it takes up to 8 digits and one of H M S m u n, such as 500m";

/// `TimeoutValue TimeoutUnit` of grpc/grpc, `doc/PROTOCOL-HTTP2.md`.
pub fn grpc_timeout(value: &HeaderValue) -> Option<Duration> {
    let (unit, digits) = value.as_bytes().split_last()?;
    let shaped = (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let count: u64 = std::str::from_utf8(digits).ok().filter(|_| shaped)?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(count * 3600),
        b'M' => Duration::from_secs(count * 60),
        b'S' => Duration::from_secs(count),
        b'm' => Duration::from_millis(count),
        b'u' => Duration::from_micros(count),
        b'n' => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_of_the_protocol_only() {
        let parse = |text: &str| grpc_timeout(&HeaderValue::from_bytes(text.as_bytes()).unwrap());
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse("99999999H"), Some(Duration::from_hours(99_999_999)));
        for bad in ["", "S", "1", "123456789S", "1x", "-1S", "1.5S", "ü"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
