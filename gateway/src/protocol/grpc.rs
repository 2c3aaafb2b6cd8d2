//! gRPC, passed on frame by frame. Messages are not read: of a method is known whether it
//! streams.

use boot::Runbook;
use boot::deadline::GRPC_TIMEOUT;
use frontdesk_proto::{ErrorReason, Refusal};
use http::{Request, Response, StatusCode, Version};
use tonic::body::Body;

use crate::answer::access_log::Streamed;
use crate::answer::failure::{not_grpc, over_grpc, unreachable};
use crate::call::cut::Cut;
use crate::call::deadline::Deadline;
use crate::call::upstreams::{Target, Upstreams};

/// Forwards a gRPC call.
pub async fn call(upstreams: &Upstreams, runbook: &Runbook, request: Request<Body>) -> Response<Body> {
    match send(upstreams, request).await {
        Ok(response) => response.map(Body::from),
        Err(refusal) => over_grpc(runbook.link(refusal)),
    }
}

/// Answers a call of a service that the gateway has itself.
async fn own(upstreams: &Upstreams, request: Request<Body>) -> Result<Response<Cut>, Refusal> {
    let Some(method) = upstreams.own_of_path(request.uri().path()) else {
        return Err(Refusal::new(
            ErrorReason::RouteNotFound,
            "No service behind this gateway has the method. Its services and their methods are listed by reflection, on this port, too.",
        ));
    };
    let deadline = Deadline::of_grpc(request.headers(), method.shape.streams())?;
    let answered = method.call(request);
    let response = match &deadline {
        Some(deadline) => deadline.within(answered).await??,
        None => answered.await?,
    };
    Ok(response.map(|body| Cut::new(body, deadline)))
}

/// Sends a call on; the answer ends with its deadline.
pub async fn send(upstreams: &Upstreams, request: Request<Body>) -> Result<Response<Cut>, Refusal> {
    let Some(target) = upstreams.of_path(request.uri().path()) else {
        return own(upstreams, request).await;
    };
    if target.only_reads {
        boot::note_only_reads();
    }
    let _room = target.room()?;
    let Target { upstream, streams, .. } = target;
    let deadline = Deadline::of_grpc(request.headers(), streams.is_some())?;
    let (mut head, body) = request.into_parts();
    head.version = Version::HTTP_2;
    if let Some(deadline) = &deadline {
        head.headers.insert(GRPC_TIMEOUT, deadline.header()?);
    }
    let call = upstream.call(Request::from_parts(head, body), None);
    let called = match &deadline {
        Some(deadline) => deadline.within(call).await?,
        None => call.await,
    };
    let (_, mut response) = called.map_err(|error| unreachable(&error))?;
    if response.status() != StatusCode::OK {
        return Err(not_grpc(response.status()));
    }
    if let Some(streams) = streams {
        response.extensions_mut().insert(Streamed);
        response = response.map(|body| streams.until_the_stop(body));
    }
    Ok(response.map(|body| Cut::new(body, deadline)))
}
