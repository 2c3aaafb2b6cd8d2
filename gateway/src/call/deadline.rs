//! How long a call may take: what the caller says in `grpc-timeout` or
//! `X-Request-Timeout`, within the gateway's own limits. Services put no call under a
//! deadline that its caller did not ask for; the gateway gives each one over REST.
//! Postgres has limits of its own for statements and locks.

use std::time::{Duration, Instant};

use boot::deadline::{GRPC_TIMEOUT, GRPC_TIMEOUT_FORM, grpc_timeout};
use frontdesk_proto::{ErrorReason, Refusal};
use http::{HeaderMap, HeaderValue};

/// Time for a call that does not say.
const DEFAULT: Duration = Duration::from_secs(10);
/// Longest time for a call that answers once.
const LONGEST: Duration = Duration::from_mins(1);
/// Time for the body of a request to arrive.
const BODY: Duration = Duration::from_secs(10);
/// How much longer the gateway waits, so that the service can say itself that the
/// time is over.
const MARGIN: Duration = Duration::from_millis(500);

/// The header in which scripts say it, in seconds.
const REQUEST_TIMEOUT: &str = "x-request-timeout";

/// When a call is given up.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Instant,
    allowed: Duration,
    asked: bool,
}

impl Deadline {
    /// The deadline of a REST request that began just now.
    pub fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let asked = match (headers.get(REQUEST_TIMEOUT), headers.get(GRPC_TIMEOUT)) {
            (Some(value), _) => Some(seconds(value).ok_or_else(|| {
                wrong(REQUEST_TIMEOUT, "it takes seconds above 0, with up to 3 decimals, such as 2.5")
            })?),
            (None, Some(value)) => Some(grpc_timeout(value).ok_or_else(grpc_wrong)?),
            (None, None) => None,
        };
        let allowed = asked.unwrap_or(DEFAULT).min(LONGEST);
        Ok(Self { at: Instant::now() + allowed, allowed, asked: asked.is_some() })
    }

    /// When a stream ends, if the caller said so; else it goes on.
    pub fn asked(&self) -> Option<tokio::time::Instant> {
        self.asked.then(|| tokio::time::Instant::from_std(self.at))
    }

    /// What is left, as `grpc-timeout`.
    pub fn header(&self) -> HeaderValue {
        let left = self.at.saturating_duration_since(Instant::now()).as_millis().max(1);
        HeaderValue::from_str(&format!("{left}m")).unwrap_or_else(|_| HeaderValue::from_static("10S"))
    }

    /// Waits for the service, a little longer than it may take.
    pub async fn within<T>(&self, call: impl Future<Output = T>) -> Result<T, Refusal> {
        let end = tokio::time::Instant::from_std(self.at + MARGIN);
        tokio::time::timeout_at(end, call).await.map_err(|_| {
            Refusal::new(
                ErrorReason::DeadlineExceeded,
                format!(
                    "The service did not answer in {} s. A change may still have been stored: read before trying again.",
                    self.allowed.as_secs_f32()
                ),
            )
        })
    }
}

impl Default for Deadline {
    fn default() -> Self {
        Self { at: Instant::now() + DEFAULT, allowed: DEFAULT, asked: false }
    }
}

/// Waits for the body of a request. When it does not come, the caller was slow and
/// not a service: `REQUEST_TIMEOUT`, not `DEADLINE_EXCEEDED`.
pub async fn body<T>(body: impl Future<Output = T>) -> Result<T, Refusal> {
    tokio::time::timeout(BODY, body).await.map_err(|_| {
        Refusal::new(
            ErrorReason::RequestTimeout,
            format!("The body did not arrive in {} s. Nothing was stored; send it again.", BODY.as_secs()),
        )
    })
}

/// Refuses a gRPC call whose deadline cannot be read; the service reads it.
pub fn check_grpc(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(GRPC_TIMEOUT) {
        Some(value) if grpc_timeout(value).is_none() => Err(grpc_wrong()),
        _ => Ok(()),
    }
}

fn grpc_wrong() -> Refusal {
    wrong(GRPC_TIMEOUT, GRPC_TIMEOUT_FORM)
}

fn wrong(name: &str, what: &str) -> Refusal {
    Refusal::new(ErrorReason::InvalidHeader, format!("The header {name} cannot be read: {what}."))
        .with("header", name)
}

fn seconds(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits =
        |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|one| one.is_ascii_digit());
    if !digits(whole, 6) || !digits(fraction, 3) {
        return None;
    }
    let millis: u64 = format!("{fraction:0<3}").parse().ok()?;
    let time = Duration::from_secs(whole.parse().ok()?) + Duration::from_millis(millis);
    (!time.is_zero()).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(name: &'static str, value: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        Deadline::of(&headers).ok().map(|deadline| deadline.allowed)
    }

    #[test]
    fn deadlines_are_read_strictly_and_capped() {
        assert_eq!(Deadline::of(&HeaderMap::new()).unwrap().allowed, DEFAULT);
        for (name, value, expected) in [
            (GRPC_TIMEOUT, "1S", Some(Duration::from_secs(1))),
            (GRPC_TIMEOUT, "250m", Some(Duration::from_millis(250))),
            (GRPC_TIMEOUT, "99999999H", Some(LONGEST)),
            (GRPC_TIMEOUT, "100000000n", None),
            (GRPC_TIMEOUT, "1s", None),
            (GRPC_TIMEOUT, "S", None),
            (GRPC_TIMEOUT, "-1S", None),
            (REQUEST_TIMEOUT, "2.5", Some(Duration::from_millis(2500))),
            (REQUEST_TIMEOUT, "0.05", Some(Duration::from_millis(50))),
            (REQUEST_TIMEOUT, "999999", Some(LONGEST)),
            (REQUEST_TIMEOUT, "0", None),
            (REQUEST_TIMEOUT, "1e3", None),
            (REQUEST_TIMEOUT, "5s", None),
            (REQUEST_TIMEOUT, ".5", None),
            (REQUEST_TIMEOUT, "", None),
        ] {
            assert_eq!(allowed(name, value), expected, "{name}: {value}");
        }
    }
}
