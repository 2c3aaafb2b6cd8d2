use std::fmt::Display;
use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, TE};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Full};
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower::ServiceExt;
use transcode::Transcoder;

/// REST in front of a gRPC service.
pub fn rest(transcoder: Transcoder, service: Channel) -> Router {
    Router::new().fallback(call).with_state((Arc::new(transcoder), service))
}

async fn call(
    State((transcoder, service)): State<(Arc<Transcoder>, Channel)>,
    request: Request,
) -> Result<Response, (StatusCode, String)> {
    let (head, body) = request.into_parts();
    let found = transcoder.route(&head.method, head.uri.path()).map_err(said(StatusCode::NOT_FOUND))?;
    let renderer = found.renderer_for(head.uri.query()).map_err(said(StatusCode::BAD_REQUEST))?;
    let body = to_bytes(body, 1 << 20).await.map_err(said(StatusCode::PAYLOAD_TOO_LARGE))?;
    // A message of gRPC has a flag and its length before it.
    let mut frame = vec![0; 5];
    found.request(head.uri.query(), &body, None, &mut frame).map_err(said(StatusCode::BAD_REQUEST))?;
    let length = u32::try_from(frame.len() - 5).map_err(said(StatusCode::PAYLOAD_TOO_LARGE))?;
    frame[1..5].copy_from_slice(&length.to_be_bytes());
    let call =
        Request::post(found.grpc_path()).header(CONTENT_TYPE, "application/grpc").header(TE, "trailers");
    let call = call.body(tonic::body::Body::new(Full::from(frame))).map_err(said(StatusCode::BAD_REQUEST))?;

    let (head, body) = service.oneshot(call).await.map_err(said(StatusCode::BAD_GATEWAY))?.into_parts();
    let answer = body.collect().await.map_err(said(StatusCode::BAD_GATEWAY))?;
    let status = Status::from_header_map(answer.trailers().unwrap_or(&head.headers));
    let status = status.unwrap_or_else(|| Status::unknown("the service did not say how the call ended"));
    if status.code() != Code::Ok {
        return Err((StatusCode::BAD_GATEWAY, status.message().to_owned()));
    }
    let answer = answer.to_bytes();
    let json = renderer.json(answer.get(5..).unwrap_or_default()).map_err(said(StatusCode::BAD_GATEWAY))?;
    Ok(([(CONTENT_TYPE, "application/json")], json).into_response())
}

fn said<E: Display>(status: StatusCode) -> impl Fn(E) -> (StatusCode, String) {
    move |error| (status, error.to_string())
}
