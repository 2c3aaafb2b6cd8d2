//! What the line of a call costs the call: the layer of observation around a service
//! that does nothing, with the log and without it.

// A measurement that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::convert::Infallible;
use std::process::{Command, Stdio};
use std::time::Instant;

use boot::{Log, Observe, Settings};
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use tonic::body::Body;
use tower::{Layer, Service};
use uuid::Uuid;

const CALLS: u32 = 200_000;
/// What a line may cost.
const BAR: f64 = 5.0;
/// Given by this program to itself: the log goes to stderr, which is a file then.
const MEASURE: &str = "--measure";

fn main() {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some(MEASURE) {
        let log = args.next().unwrap();
        let form = args.next().unwrap();
        println!("{}", measure(&log, &form));
        return;
    }
    for form in ["json", "text"] {
        let (with, without) = (best("info", form), best("off", form));
        let line = with - without;
        let verdict = if line < BAR { "under" } else { "OVER" };
        println!(
            "a call's line in {form}   {line:>5.2} us ({with:.2} with the log, {without:.2} without), {verdict} {BAR} us"
        );
    }
}

/// Microseconds of a call, of the best of several processes.
fn best(log: &str, form: &str) -> f64 {
    let run = |_| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([MEASURE, log, form]).stderr(Stdio::null()).stdin(Stdio::null());
        let output = child.output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse::<f64>().unwrap()
    };
    (0..5).map(run).fold(f64::INFINITY, f64::min)
}

fn measure(log: &str, form: &str) -> f64 {
    let mut settings = Settings::of([("LOG", log), ("LOG_FORMAT", form)]);
    Log::read(&mut settings).unwrap().start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let each = runtime.block_on(async {
        let mut service = Observe::of(&["frontdesk.booking.v1.BookingRequestService"]).layer(
            tower::service_fn(|_: Request<Body>| async {
                boot::note_tenant(Uuid::nil());
                boot::note_caller(Some(Uuid::nil()), None);
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }),
        );
        let began = Instant::now();
        for _ in 0..CALLS {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() =
                "/frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest".parse().unwrap();
            request
                .headers_mut()
                .insert("x-request-id", HeaderValue::from_static("0198a3b2-0000-7000-8000-000000000000"));
            let response = service.call(request).await.unwrap();
            response.into_body().collect().await.unwrap();
        }
        began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
    });
    Log::finish();
    each
}
