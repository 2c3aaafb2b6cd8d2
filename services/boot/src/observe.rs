//! The outermost layer of every gRPC server: request id, deadline, one span and
//! one log line per call, and no panic that takes the connection along.

use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use frontdesk_proto::{ErrorReason, Refusal, reason_of, rpc};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response};
use prost::{Message, Name};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Instrument;

use crate::request_id;

/// A deadline is met a little early, so that the answer still arrives.
const MARGIN: Duration = Duration::from_millis(5);

/// The field of a call's span that [`record_tenant`] fills.
const TENANT: &str = "tenant_id";

/// The layer.
#[derive(Debug, Clone, Copy)]
pub struct Observe;

/// The service that [`Observe`] makes.
#[derive(Debug, Clone)]
pub struct Observed<S> {
    inner: S,
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Observed { inner }
    }
}

impl<S> Service<Request<Body>> for Observed<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let started = Instant::now();
        let id = request_id::ensure(request.headers_mut());
        let span = tracing::info_span!(
            "rpc",
            rpc.method = request.uri().path(),
            request_id = request_id::text(&id),
            { TENANT } = tracing::field::Empty,
        );
        let deadline = grpc_timeout(request.headers());
        let call = async move {
            let mut response = match deadline {
                Err(refusal) => Status::from(refusal).into_http(),
                Ok(deadline) => {
                    let work = AssertUnwindSafe(inner.call(request)).catch_unwind();
                    match tokio::time::timeout(deadline.saturating_sub(MARGIN), work).await {
                        Ok(Ok(response)) => response?,
                        Ok(Err(_panic)) => Status::from(Refusal::new(
                            ErrorReason::Internal,
                            "A defect of this service ended the call. The request id finds it in the log.",
                        ))
                        .into_http(),
                        Err(_) => Status::from(Refusal::new(
                            ErrorReason::DeadlineExceeded,
                            "The time given for the call ran out. A change may still have been stored: read before trying again.",
                        ))
                        .into_http(),
                    }
                }
            };
            finish(response.headers_mut(), &id, started);
            Ok(response)
        };
        Box::pin(call.instrument(span))
    }
}

/// Notes the tenant of the call under way, once it is known, in the call's span.
pub fn record_tenant(tenant: impl std::fmt::Display) {
    tracing::Span::current().record(TENANT, tracing::field::display(tenant));
}

/// Adds the request id to the answer and logs it. A stream that has begun shows
/// no status yet and is logged as `OK`.
fn finish(headers: &mut HeaderMap, id: &HeaderValue, started: Instant) {
    headers.insert(request_id::HEADER, id.clone());
    let elapsed_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let Some(status) = Status::from_header_map(headers).filter(|status| status.code() != Code::Ok) else {
        tracing::info!(elapsed_us, code = "OK", "call answered");
        return;
    };
    let reason = reason_of(&status).map_or("", ErrorReason::name);
    tracing::info!(elapsed_us, code = ?status.code(), reason, "call answered");
    let Ok(mut detailed) = rpc::Status::decode(status.details()) else { return };
    if detailed.details.is_empty() {
        return;
    }
    let info = rpc::RequestInfo { request_id: request_id::text(id).to_owned(), serving_data: String::new() };
    detailed
        .details
        .push(prost_types::Any { type_url: rpc::RequestInfo::type_url(), value: info.encode_to_vec() });
    let with_id = Status::with_details(status.code(), status.message(), detailed.encode_to_vec().into());
    if let Err(error) = with_id.add_header(headers) {
        tracing::warn!(%error, "request id could not be added to the status");
    }
}

/// The time given by `grpc-timeout` (gRPC over HTTP/2: at most 8 digits and a
/// unit); a call without it may take as long as it takes.
fn grpc_timeout(headers: &HeaderMap) -> Result<Duration, Refusal> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(Duration::from_hours(1)) };
    let parsed = value.to_str().ok().and_then(|text| {
        let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let count: u64 = digits.parse().ok()?;
        match unit {
            "H" => Some(Duration::from_secs(count * 3600)),
            "M" => Some(Duration::from_secs(count * 60)),
            "S" => Some(Duration::from_secs(count)),
            "m" => Some(Duration::from_millis(count)),
            "u" => Some(Duration::from_micros(count)),
            "n" => Some(Duration::from_nanos(count)),
            _ => None,
        }
    });
    parsed.ok_or_else(|| {
        Refusal::new(
            ErrorReason::InvalidHeader,
            "grpc-timeout is not a timeout: send 1 to 8 digits and one of H, M, S, m, u, n.",
        )
        .with("header", "grpc-timeout")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_timeout_takes_the_units_of_the_protocol_only() {
        let parse = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", HeaderValue::from_str(text).unwrap());
            grpc_timeout(&headers).ok()
        };
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse("99999999H"), Some(Duration::from_hours(99_999_999)));
        for bad in ["", "S", "1", "123456789S", "1x", "-1S", "1.5S", "ü"] {
            if let Ok(value) = HeaderValue::from_bytes(bad.as_bytes()) {
                let mut headers = HeaderMap::new();
                headers.insert("grpc-timeout", value);
                assert!(grpc_timeout(&headers).is_err(), "{bad}");
            }
        }
    }
}
