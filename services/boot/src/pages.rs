//! Pages that call a service themselves, without the gateway, as developers do. What they
//! speak, gRPC-Web, is tonic-web's to translate; here is who may (CORS), and what is said to
//! whoever speaks anything else. Unless a setting names an origin, nobody may, and the port
//! speaks gRPC over HTTP/2 alone.
//!
//! The layers behind are those of any call: a page needs credentials like anybody.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::{BoxFuture, Either};
use http::header::{ACCEPT, CONTENT_TYPE, ORIGIN, VARY};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::{Layer, Service};

use crate::origins::{Origins, allow, is_preflight, normalised, preflight};
use crate::settings::{Form, Setting, Settings, Unset};

static DIRECT_ORIGINS: Setting = Setting {
    name: "DIRECT_ORIGINS",
    form: Form::Described("origins as scheme://host or scheme://host:port, several with commas"),
    unset: Unset::Means("none: the ports of identity and booking take gRPC over HTTP/2 alone"),
    example: "http://localhost:5173",
    meaning: "Origins whose pages may call identity and booking themselves (CORS), without the gateway, for development: the ports take gRPC-Web then, over HTTP/1.1 as well, under the access rules of any call.",
    secret: false,
};

/// The content types of gRPC-Web; those of a page compare without case and parameters.
const GRPC_WEB: [&str; 4] = [
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
];

impl Origins {
    /// Reads `DIRECT_ORIGINS`.
    pub fn read_direct(settings: &mut Settings) -> Self {
        settings.if_set(&DIRECT_ORIGINS).unwrap_or_default()
    }
}

/// The layer.
#[derive(Debug, Clone)]
pub(crate) struct Pages(Arc<Origins>);

/// The service that [`Pages`] makes.
#[derive(Debug, Clone)]
pub(crate) struct WithPages<S> {
    inner: S,
    origins: Arc<Origins>,
}

impl Pages {
    /// Of these origins.
    pub(crate) fn of(origins: Origins) -> Self {
        Self(Arc::new(origins))
    }
}

impl<S> Layer<S> for Pages {
    type Service = WithPages<S>;

    fn layer(&self, inner: S) -> WithPages<S> {
        WithPages { inner, origins: Arc::clone(&self.0) }
    }
}

impl<S> Service<Request<Body>> for WithPages<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if self.origins.is_empty() {
            return Either::Left(self.inner.call(request));
        }
        let now = |response| Either::Right(std::future::ready(Ok(response)).boxed());
        let origin = match self.origin(request.headers()) {
            Ok(origin) => origin,
            Err(refused) => return now(refused),
        };
        let web = web_type(request.headers());
        let is_grpc = request.version() >= Version::HTTP_2;
        let answer = if origin.is_some() && is_preflight(&request) {
            std::future::ready(Ok(preflight(request.headers()))).boxed()
        } else if let Some(web) = web {
            // An answer has the form of its question, whatever is accepted besides.
            for name in [CONTENT_TYPE, ACCEPT] {
                request.headers_mut().insert(name, HeaderValue::from_static(web));
            }
            let ready = self.inner.clone();
            GrpcWebLayer::new().layer(std::mem::replace(&mut self.inner, ready)).call(request).boxed()
        } else if is_grpc {
            let call = self.inner.call(request);
            if origin.is_none() {
                return Either::Left(call);
            }
            call.boxed()
        } else {
            let sentence = "This port takes gRPC over HTTP/2, and gRPC-Web of pages: POST with the content type application/grpc-web. JSON is taken by the gateway.\n";
            return now(plainly(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence.to_owned()));
        };
        Either::Right(
            async move {
                let mut response = answer.await?;
                response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
                if let Some(origin) = origin {
                    allow(origin, response.headers_mut());
                }
                Ok(response)
            }
            .boxed(),
        )
    }
}

impl<S> WithPages<S> {
    /// The origin of the page that calls, if one does; or what a page is told that may not.
    fn origin(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Response<Body>> {
        let Some(origin) = headers.get(ORIGIN) else { return Ok(None) };
        let text = String::from_utf8_lossy(origin.as_bytes());
        if normalised(&text).is_some_and(|origin| self.origins.contain(&origin)) {
            return Ok(Some(origin.clone()));
        }
        tracing::debug!(origin = %text, allowed = %self.origins, "a page may not call");
        let sentence = format!(
            "Pages of the origin {text} may not call this service. Add it to DIRECT_ORIGINS of the service, and restart it.\n"
        );
        Err(plainly(StatusCode::FORBIDDEN, sentence))
    }
}

/// The content type of gRPC-Web that a request has, as tonic-web knows it.
fn web_type(headers: &HeaderMap) -> Option<&'static str> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    GRPC_WEB.into_iter().find(|one| one.eq_ignore_ascii_case(essence))
}

/// An answer for people, to whoever does not speak gRPC.
fn plainly(status: StatusCode, sentence: String) -> Response<Body> {
    let mut response = Response::new(Body::new(sentence));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(VARY, HeaderValue::from_static("origin"));
    response
}

#[cfg(test)]
mod tests;
