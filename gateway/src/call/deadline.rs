//! How long a call may take: what the caller says in `grpc-timeout`, `Connect-Timeout-Ms` or
//! `X-Request-Timeout`, within the gateway's own limits. Services put no call under a
//! deadline that its caller did not ask for; the gateway gives one to each that answers
//! once, and streams go on for as long as their callers want. A call whose time is over
//! is not passed on. Postgres has limits of its own for statements and locks.

use std::task::Poll;
use std::time::{Duration, Instant};

use boot::deadline::{GRPC_TIMEOUT, GRPC_TIMEOUT_FORM, grpc_timeout};
use frontdesk_proto::{ErrorReason, Refusal};
use http::{HeaderMap, HeaderName, HeaderValue};

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
const REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout");
/// The header in which Connect says it, in milliseconds.
const CONNECT_TIMEOUT: HeaderName = HeaderName::from_static("connect-timeout-ms");

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
                wrong(&REQUEST_TIMEOUT, "it takes seconds above 0, with up to 3 decimals, such as 2.5")
            })?),
            (None, Some(value)) => Some(grpc_timeout(value).ok_or_else(grpc_wrong)?),
            (None, None) => None,
        };
        Ok(Self::after(asked.unwrap_or(DEFAULT).min(LONGEST), asked.is_some()))
    }

    /// The deadline of a gRPC call that began just now; none for a stream whose caller
    /// does not say.
    pub fn of_grpc(headers: &HeaderMap, streams: bool) -> Result<Option<Self>, Refusal> {
        let asked = headers.get(GRPC_TIMEOUT).map(|value| grpc_timeout(value).ok_or_else(grpc_wrong));
        Ok(match asked.transpose()? {
            None if streams => None,
            Some(asked) if streams => Some(Self::after(asked, true)),
            asked => Some(Self::after(asked.unwrap_or(DEFAULT).min(LONGEST), asked.is_some())),
        })
    }

    /// Until when a caller waits for an answer, as far as it says so and that can be read.
    pub fn of_caller(headers: &HeaderMap, is_grpc: bool) -> Option<Instant> {
        let asked = if is_grpc {
            headers.get(CONNECT_TIMEOUT).and_then(milliseconds)
        } else {
            headers.get(REQUEST_TIMEOUT).and_then(seconds)
        };
        let asked = asked.or_else(|| headers.get(GRPC_TIMEOUT).and_then(grpc_timeout));
        Instant::now().checked_add(asked?)
    }

    fn after(allowed: Duration, asked: bool) -> Self {
        Self { at: Instant::now() + allowed, allowed, asked }
    }

    /// When a stream ends, if the caller said so; else it goes on.
    pub fn asked(&self) -> Option<tokio::time::Instant> {
        self.asked.then(|| tokio::time::Instant::from_std(self.at))
    }

    /// What is left, as `grpc-timeout`, for a call that is about to be passed on.
    pub fn header(&self) -> Result<HeaderValue, Refusal> {
        let left = self.at.saturating_duration_since(Instant::now()).as_millis();
        if left == 0 {
            return Err(not_begun());
        }
        Ok(of_millis(left))
    }

    /// When the gateway itself gives the call up: a little later than the service may.
    pub fn end(&self) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.at + MARGIN)
    }

    /// Waits for the service, a little longer than it may take.
    pub async fn within<T>(&self, call: impl Future<Output = T>) -> Result<T, Refusal> {
        tokio::time::timeout_at(self.end(), call).await.map_err(|_| self.over())
    }

    /// Waits for the body of the request, for as long as its caller gives the call; without that
    /// it has its own time.
    pub async fn body<T>(&self, body: impl Future<Output = T>) -> Result<T, Refusal> {
        match self.asked() {
            None => Ok(body.await),
            Some(until) => tokio::time::timeout_at(until, body).await.map_err(|_| not_begun()),
        }
    }

    /// The refusal of a call that was given up.
    pub fn over(&self) -> Refusal {
        Refusal::new(
            ErrorReason::DeadlineExceeded,
            boot::maybe_stored(&format!("The service did not answer in {} s.", self.allowed.as_secs_f32())),
        )
    }
}

impl Default for Deadline {
    fn default() -> Self {
        Self::after(DEFAULT, false)
    }
}

/// Waits for the body of a request. When it does not come, the caller was slow and
/// not a service: `REQUEST_TIMEOUT`, not `DEADLINE_EXCEEDED`.
pub async fn body<T>(body: impl Future<Output = T>) -> Result<T, Refusal> {
    let mut body = std::pin::pin!(body);
    // Mostly it came with its head, and needs no timer.
    if let Poll::Ready(read) = futures::poll!(body.as_mut()) {
        return Ok(read);
    }
    tokio::time::timeout(BODY, body).await.map_err(|_| {
        Refusal::new(
            ErrorReason::RequestTimeout,
            boot::nothing_stored(
                &format!("The body did not arrive in {} s.", BODY.as_secs()),
                "send it again",
            ),
        )
    })
}

/// Puts what a Connect caller says where gRPC has it.
pub fn from_connect(headers: &mut HeaderMap) -> Result<(), Refusal> {
    headers.remove(GRPC_TIMEOUT);
    let Some(value) = headers.remove(CONNECT_TIMEOUT) else { return Ok(()) };
    let asked = milliseconds(&value)
        .ok_or_else(|| wrong(&CONNECT_TIMEOUT, "it takes milliseconds, as up to 10 digits, such as 2500"))?;
    headers.insert(GRPC_TIMEOUT, of_millis(asked.as_millis()));
    Ok(())
}

fn not_begun() -> Refusal {
    let sentence = "The time given for the call was over before it was passed on.";
    Refusal::new(ErrorReason::DeadlineExceeded, boot::nothing_stored(sentence, ""))
}

fn grpc_wrong() -> Refusal {
    wrong(&GRPC_TIMEOUT, GRPC_TIMEOUT_FORM)
}

fn wrong(name: &HeaderName, what: &str) -> Refusal {
    let name = name.as_str();
    Refusal::new(ErrorReason::InvalidHeader, format!("The header {name} cannot be read: {what}."))
        .with("header", name)
}

/// `grpc-timeout`, which has eight digits.
fn of_millis(millis: u128) -> HeaderValue {
    match u32::try_from(millis) {
        Ok(millis @ ..100_000_000) => timeout(millis, b'm'),
        _ => timeout(u32::try_from(millis / 1000).unwrap_or(u32::MAX).min(99_999_999), b'S'),
    }
}

/// At most eight digits and their unit, as `grpc-timeout` has them. Each call has a different
/// one: formatting would cost several times as much, and HPACK is not to keep it.
fn timeout(mut number: u32, unit: u8) -> HeaderValue {
    let mut text = [unit; 9];
    let mut from = text.len() - 1;
    while from > 0 && (number > 0 || from == text.len() - 1) {
        from -= 1;
        text[from] = b"0123456789"[(number % 10) as usize];
        number /= 10;
    }
    let mut value =
        HeaderValue::from_bytes(&text[from..]).unwrap_or_else(|_| HeaderValue::from_static("10S"));
    value.set_sensitive(true);
    value
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

fn milliseconds(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?;
    let is_number = (1..=10).contains(&text.len()) && text.bytes().all(|one| one.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_of_connect_are_put_where_grpc_has_its_time() {
        let put = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(GRPC_TIMEOUT, HeaderValue::from_static("1H"));
            headers.insert(CONNECT_TIMEOUT, HeaderValue::from_static(value));
            from_connect(&mut headers).map(|()| headers.remove(GRPC_TIMEOUT).unwrap())
        };
        assert_eq!(put("2500").unwrap(), "2500m");
        assert_eq!(put("0").unwrap(), "0m");
        assert_eq!(put("9999999999").unwrap(), "9999999S");
        for bad in ["", "1.5", "-1", "+1", "10000000000", "2s"] {
            let refusal = put(bad).unwrap_err();
            assert_eq!(refusal.metadata().next(), Some(("header", "connect-timeout-ms")), "{bad}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT, HeaderValue::from_static("1H"));
        from_connect(&mut headers).unwrap();
        assert!(headers.is_empty(), "it is no header of Connect");
    }

    #[tokio::test]
    async fn a_body_has_the_time_that_its_caller_gives_the_call() {
        let late = Deadline::after(Duration::from_millis(5), true).body(std::future::pending::<()>()).await;
        let refusal = late.unwrap_err();
        assert_eq!(refusal.reason(), ErrorReason::DeadlineExceeded);
        assert!(refusal.message().contains("Nothing was stored"), "{}", refusal.message());
        assert_eq!(Deadline::after(Duration::ZERO, false).body(async { 7 }).await.unwrap(), 7);
    }

    fn allowed(name: HeaderName, value: &'static str) -> Option<Duration> {
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
            assert_eq!(allowed(name.clone(), value), expected, "{name}: {value}");
        }
    }

    #[test]
    fn a_grpc_call_that_answers_once_has_the_limits_of_rest_and_a_stream_its_own() {
        let allowed = |value: Option<&'static str>, streams| {
            let headers: HeaderMap =
                value.into_iter().map(|value| (GRPC_TIMEOUT, HeaderValue::from_static(value))).collect();
            Deadline::of_grpc(&headers, streams)
                .map(|deadline| deadline.map(|deadline| deadline.allowed))
                .ok()
        };
        assert_eq!(allowed(None, false), Some(Some(DEFAULT)));
        assert_eq!(allowed(None, true), Some(None));
        assert_eq!(allowed(Some("99999999H"), false), Some(Some(LONGEST)));
        assert_eq!(allowed(Some("99999999H"), true), Some(Some(Duration::from_hours(99_999_999))));
        assert_eq!(allowed(Some("1x"), true), None);
    }

    #[test]
    fn what_is_left_is_passed_on_and_nothing_that_is_over() {
        let left = |allowed| Deadline::after(allowed, true).header();
        assert!(left(Duration::ZERO).unwrap_err().message().contains("Nothing was stored"));
        let millis = left(Duration::from_secs(2)).unwrap();
        assert!(["1999m", "2000m"].contains(&millis.to_str().unwrap()), "{millis:?}");
        let long = left(Duration::from_hours(1000)).unwrap();
        assert!(["3599999S", "3600000S"].contains(&long.to_str().unwrap()), "{long:?}");
        assert_eq!(left(Duration::from_hours(99_999_999)).unwrap(), "99999999S");
        for (number, text) in [(0, "0m"), (7, "7m"), (10, "10m"), (9_999, "9999m"), (99_999_999, "99999999m")]
        {
            assert_eq!(timeout(number, b'm'), text);
        }
    }
}
