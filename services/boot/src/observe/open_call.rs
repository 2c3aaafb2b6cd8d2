//! What is said of a call when it has ended: a line of the log, figures, a span. What the
//! call goes through is not known here.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use frontdesk_proto::{Refusal, code_name};
use http::Response;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::answer_body::{Ended, watched};
use crate::call::Call;
use crate::rpc_figures::RpcFigures;
use crate::{Runbook, request_id};

/// Probes ask every second; their calls are logged at a finer level, and answered whatever
/// there is to do.
pub const PROBES: &str = "/grpc.health.v1.Health/";

/// A call whose answer has not ended. It is logged once: when it has, or when the caller
/// leaves before.
pub struct OpenCall {
    call: Arc<Call>,
    figures: Arc<RpcFigures>,
    /// Where the method is counted.
    counted: usize,
    method: String,
    started: Instant,
    logged: bool,
}

impl OpenCall {
    pub fn new(call: &Arc<Call>, figures: Arc<RpcFigures>, method: &str) -> Self {
        let (call, counted) = (Arc::clone(call), figures.begin(method));
        if figures.only_reads(counted) {
            call.only_reads();
        }
        Self { call, figures, counted, method: method.to_owned(), started: Instant::now(), logged: false }
    }

    /// Adds the request id to the answer, and to a refusal its page. A failure is logged now,
    /// with the cause that a service has attached to its status; anything else when its end
    /// is known.
    pub fn finish(mut self, mut response: Response<Body>, runbook: &Runbook) -> Response<Body> {
        let id = self.call.request_id();
        response.headers_mut().insert(request_id::HEADER, id.clone());
        let status = Status::from_header_map(response.headers()).filter(|status| status.code() != Code::Ok);
        let Some(status) = status else {
            let call = Arc::clone(&self.call);
            return response.map(|body| watched(body, call, move |ended: Ended<'_>| self.ended(&ended)));
        };
        let refusal = Refusal::from_status(&status);
        let cause = response.extensions().get::<Status>().and_then(Error::source);
        self.log(status.code(), refusal.as_ref(), cause);
        let id = request_id::text(self.call.request_id());
        let named = match refusal {
            Some(refusal) => Some(Status::from(runbook.link(refusal.with_request_id(id)))),
            None => frontdesk_proto::with_request_id(&status, id),
        };
        if let Some(Err(error)) = named.map(|status| status.add_header(response.headers_mut())) {
            tracing::warn!(%error, "request id could not be added to the status");
        }
        response
    }

    fn ended(mut self, ended: &Ended<'_>) {
        let from_trailers = match ended {
            Ended::Whole(trailers) => trailers.and_then(Status::from_header_map),
            Ended::Broken(status) => Some((*status).clone()),
        };
        let status = from_trailers.unwrap_or_else(|| Status::ok(""));
        let refusal = Refusal::from_status(&status);
        self.log(status.code(), refusal.as_ref(), status.source());
    }

    fn log(&mut self, code: Code, refusal: Option<&Refusal>, cause: Option<&(dyn Error + 'static)>) {
        self.logged = true;
        let took = self.started.elapsed();
        self.figures.end(self.counted, code, refusal, took);
        let elapsed_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let reason = refusal.map(Refusal::name);
        let attributes =
            [("rpc.response.status_code", code_name(code)), ("reason", reason.unwrap_or_default())];
        self.call.traced(self.method.trim_start_matches('/'), &attributes, is_failure(code));
        let (method, cause) = (self.method.as_str(), cause.map(whole));
        let defect = matches!(code, Code::Internal | Code::Unknown | Code::DataLoss);
        macro_rules! answered {
            ($level:ident) => {
                tracing::$level!(
                    target: "rpc", method, code = code_name(code), reason, elapsed_us, cause, "call answered"
                )
            };
        }
        match cause {
            Some(_) if defect => answered!(error),
            Some(_) => answered!(warn),
            None if method.starts_with(PROBES) => answered!(debug),
            None => answered!(info),
        }
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if !self.logged {
            let call = Arc::clone(&self.call);
            call.run_now(|| self.log(Code::Cancelled, None, None));
        }
    }
}

/// Whether the service has failed, and not who called (OpenTelemetry, for servers).
fn is_failure(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// An error with what led to it.
fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
