//! The body of a request whose method takes a stream of messages: each part of it is
//! one, passed on as it comes, so that a body may have any length. What a part says is
//! the service's business, and so is how long it waits for the next one.
//!
//! A part is taken from the client when the service has room for it. Where the body
//! cannot be read on, the call is given up, because a service must not take a part of
//! a body for the whole; whoever writes the answer asks [`Broken`] for the
//! cause and tells the caller.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use frontdesk_proto::Refusal;
use futures::stream::{self, Stream, StreamExt};
use http::HeaderMap;
use http_body_util::BodyExt;
use tonic::Status;
use tonic::body::Body;
use transcode::Parts;

use super::body::broken_off;
use super::deadline;
use super::unary::frame;
use crate::answer::encoding::Inflate;

/// Most bytes of a part.
const PART: usize = 64 * 1024;

/// A body that is taken in parts.
pub struct Upload {
    body: Body,
    inflate: Option<Inflate>,
    /// What has come and is not passed on yet.
    rest: Bytes,
    ended: bool,
}

/// Why the body of a call could not be read on, once it could not.
#[derive(Debug, Clone, Default)]
pub struct Broken(Arc<OnceLock<Refusal>>);

impl Upload {
    /// The body of a request with these headers.
    pub fn new(headers: &HeaderMap, body: Body) -> Result<Self, Refusal> {
        Ok(Self { body, inflate: Inflate::of(headers)?, rest: Bytes::new(), ended: false })
    }

    /// The first part, which has to come as soon as a body that is read whole; empty
    /// for an empty body.
    pub async fn first(&mut self) -> Result<Bytes, Refusal> {
        let first = deadline::body(self.next()).await?;
        Ok(first.map_err(|refusal| refusal.followed_by("Nothing was stored."))?.unwrap_or_default())
    }

    /// The parts that follow, as messages in their frames.
    pub fn messages(self, parts: Parts, broken: Broken) -> impl Stream<Item = Result<Bytes, Status>> + Send {
        stream::unfold((self, parts), |(mut upload, parts)| async move {
            let next = upload.next().await.transpose()?;
            let framed = next.map(|part| {
                let Ok(frame) = frame(part.len() + 16, |out| {
                    parts.message(&part, out);
                    Ok::<_, std::convert::Infallible>(())
                });
                frame
            });
            Some((framed, (upload, parts)))
        })
        .map(move |next| next.map_err(|refusal| broken.by(refusal)))
    }

    /// The next part, with something in it; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        while !self.ended {
            let part = if self.rest.is_empty() {
                match self.body.frame().await {
                    Some(Ok(frame)) => {
                        // Trailers say nothing.
                        self.rest = frame.into_data().unwrap_or_default();
                        continue;
                    }
                    Some(Err(_)) => return Err(broken_off()),
                    None => {
                        self.ended = true;
                        self.inflate.as_mut().map_or_else(|| Ok(Bytes::new()), Inflate::end)?
                    }
                }
            } else {
                match &mut self.inflate {
                    None => self.rest.split_to(self.rest.len().min(PART)),
                    Some(inflate) => inflate.part(&self.rest.split_to(self.rest.len().min(Inflate::PART)))?,
                }
            };
            if !part.is_empty() {
                return Ok(Some(part));
            }
        }
        Ok(None)
    }
}

impl Broken {
    /// Keeps the cause.
    fn by(&self, refusal: Refusal) -> Status {
        self.0.get_or_init(|| refusal).clone().into()
    }

    /// The cause, if there is one.
    pub fn cause(&self) -> Option<Refusal> {
        self.0.get().cloned()
    }
}
