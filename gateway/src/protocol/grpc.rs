//! gRPC, passed on frame by frame. Messages are not read, so a method needs no
//! knowledge here.

use boot::Runbook;
use frontdesk_proto::{ErrorReason, Refusal};
use http::{Request, Response, StatusCode, Version};
use tonic::Status;
use tonic::body::Body;

use crate::answer::failure::{not_grpc, unreachable};
use crate::call::deadline;
use crate::call::upstreams::{Target, Upstreams};

/// Forwards a gRPC call.
pub async fn call(upstreams: &Upstreams, runbook: &Runbook, request: Request<Body>) -> Response<Body> {
    match send(upstreams, request).await {
        Ok(response) => response,
        Err(refusal) => Status::from(runbook.link(refusal)).into_http(),
    }
}

async fn send(upstreams: &Upstreams, request: Request<Body>) -> Result<Response<Body>, Refusal> {
    let Some(Target { upstream, streams, .. }) = upstreams.of_path(request.uri().path()) else {
        return Err(Refusal::new(
            ErrorReason::RouteNotFound,
            "No service behind this gateway has the method. Its services are listed by reflection on their own ports.",
        ));
    };
    deadline::check_grpc(request.headers())?;
    let (mut head, body) = request.into_parts();
    head.version = Version::HTTP_2;
    let (_, response) =
        upstream.call(Request::from_parts(head, body), None).await.map_err(|error| unreachable(&error))?;
    if response.status() != StatusCode::OK {
        return Err(not_grpc(response.status()));
    }
    Ok(match streams {
        Some(streams) => response.map(|body| streams.until_the_stop(body)),
        None => response,
    })
}
