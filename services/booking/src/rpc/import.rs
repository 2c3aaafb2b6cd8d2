//! The wire of an import of customers: a file that comes in parts, and what came of
//! each of its lines while it does. How lines are read is known in `import`, what is
//! stored of one in `rpc/import/line.rs`.
//!
//! An import takes what it has room for: the next part is asked for when the lines of
//! the one before are stored, and the next line when the result of the one before is
//! taken, so that neither a long file nor a slow reader fills the memory. Its room is free
//! in time whatever its caller does: one who reads no results, sends nothing, or sends
//! nothing but blank lines.

pub mod limits;
pub mod line;

use std::time::Duration;

use access::Standing;
use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::booking::v1::import_customers_response::Content;
use frontdesk_proto::{ErrorReason, Refusal};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};

use self::limits::Room;
use super::Booking;
use crate::call::Call;
use crate::error::{Error, shutting_down};
use crate::import::{Broken, Format, Line, Reader};
use crate::store::Store;

/// The messages of an import.
type Results = BoxStream<'static, Result<wire::ImportCustomersResponse, Status>>;

/// How long the next line of a file may take to come; blank ones are none.
const PAUSE: Duration = Duration::from_secs(30);
/// How often the caller's standing is checked unasked: a token may end while the file lasts.
/// What is revoked is told, and ends an import before its next line.
const STANDING: Duration = Duration::from_secs(5);
/// How to go on after an import whose results nobody read.
const GO_ON: &str =
    "What is stored is not stored twice: send the whole file again, and read the results while you send.";

/// An import under way.
struct Import {
    store: Store,
    call: Call,
    standing: Standing,
    /// When the standing was last checked.
    checked: Instant,
    /// The source of lines that name none.
    source: String,
    refused_only: bool,
    format: Format,
    parts: Streaming<wire::ImportCustomersRequest>,
    reader: Reader,
    /// The first line, which is read before the answer begins.
    first: Option<Line>,
    /// What came of the lines so far.
    sum: wire::ImportSummary,
    over: bool,
    stop: CancellationToken,
    _room: Room,
}

impl Booking {
    /// The first line is read before the answer begins, so that a file that cannot be
    /// read at all is refused like any other call.
    pub(super) async fn import(
        &self,
        request: Request<Streaming<wire::ImportCustomersRequest>>,
    ) -> Result<Response<Results>, Status> {
        let call = Call::of(&request)?;
        let standing = access::standing(&request)?;
        let room = self.imports.take(call.tenant.uuid())?;
        let mut parts = request.into_inner();
        let first = tokio::select! {
            first = tokio::time::timeout(PAUSE, parts.message()) => {
                first.map_err(|_| too_slow())?.map_err(|status| unread(&status))?
            }
            () = self.imports.stop.cancelled() => return Err(shutting_down().into()),
        };
        let wire::ImportCustomersRequest { file, source, refused_only } =
            first.ok_or_else(|| Refusal::field("file", "is needed"))?;
        let file = file.unwrap_or_default();
        let format = format(&file.content_type)?;
        let mut reader = Reader::new(format);
        reader.push(&file.data);
        let mut import = Import {
            store: self.store.clone(),
            call,
            standing,
            checked: Instant::now(),
            source,
            refused_only,
            format,
            parts,
            reader,
            first: None,
            sum: wire::ImportSummary::default(),
            over: false,
            stop: self.imports.stop.clone(),
            _room: room,
        };
        import.first = import.line().await.map_err(|refusal| import.ended(refusal))?;
        Ok(Response::new(boot::while_read(results(import), GO_ON).boxed()))
    }
}

/// The messages of an import, until its sum or its first error.
fn results(
    import: Import,
) -> impl futures::Stream<Item = Result<wire::ImportCustomersResponse, Status>> + Send {
    stream::unfold(import, |mut import| async move {
        if import.over {
            return None;
        }
        let next = import.next().await;
        import.over = !matches!(next, Ok(Content::Result(_)));
        let next = next.map(|content| wire::ImportCustomersResponse { content: Some(content) });
        Some((next.map_err(|refusal| import.ended(refusal)), import))
    })
}

impl Import {
    /// Stores lines until one has a result to send.
    async fn next(&mut self) -> Result<Content, Refusal> {
        while let Some(line) = self.line().await? {
            if self.stop.is_cancelled() {
                return Err(shutting_down());
            }
            self.check_standing().await?;
            let number = line.number;
            let stored = line::import(&self.store, &self.call, &self.source, line, &self.stop).await;
            let result = stored.map_err(|error| failed(&error, number))?;
            let (outcome, sum) = (result.outcome(), &mut self.sum);
            *match outcome {
                wire::ImportOutcome::Created => &mut sum.created,
                wire::ImportOutcome::Updated => &mut sum.updated,
                wire::ImportOutcome::Unchanged => &mut sum.unchanged,
                wire::ImportOutcome::Merged => &mut sum.merged,
                wire::ImportOutcome::Refused | wire::ImportOutcome::Unspecified => &mut sum.refused,
            } += 1;
            if !self.refused_only || outcome == wire::ImportOutcome::Refused {
                return Ok(Content::Result(result));
            }
        }
        Ok(Content::Summary(self.sum))
    }

    /// The next line, as soon as it has come; `None` at the end of the file.
    async fn line(&mut self) -> Result<Option<Line>, Refusal> {
        if let Some(line) = self.first.take() {
            return Ok(Some(line));
        }
        let latest = Instant::now() + PAUSE;
        loop {
            match self.reader.next_line() {
                Ok(None) if !self.reader.has_ended() => {}
                Ok(line) => return Ok(line),
                Err(Broken(sentence)) => return Err(self.unreadable(&sentence)),
            }
            self.check_standing().await?;
            let part = tokio::select! {
                part = self.parts.message() => part.map_err(|status| unread(&status))?,
                () = tokio::time::sleep_until(self.checked + STANDING) => continue,
                () = self.standing.doubted() => continue,
                () = tokio::time::sleep_until(latest) => return Err(too_slow()),
                () = self.stop.cancelled() => return Err(shutting_down()),
            };
            match part {
                Some(part) => self.take(part)?,
                None => self.reader.end(),
            }
        }
    }

    /// Ends the import of a caller who may no longer have it, when it is time to ask.
    async fn check_standing(&mut self) -> Result<(), Refusal> {
        if self.checked.elapsed() >= STANDING || self.standing.is_doubted() {
            self.standing.check().await?;
            self.checked = Instant::now();
        }
        Ok(())
    }

    /// Takes a part that is not the first.
    fn take(&mut self, part: wire::ImportCustomersRequest) -> Result<(), Refusal> {
        let wire::ImportCustomersRequest { file, source, refused_only } = part;
        let file = file.unwrap_or_default();
        let other_type = !file.content_type.is_empty() && format(&file.content_type)? != self.format;
        let other_source = !source.is_empty() && source != self.source;
        let other = [
            ("file.content_type", other_type),
            ("source", other_source),
            ("refused_only", refused_only && !self.refused_only),
        ];
        if let Some((field, _)) = other.into_iter().find(|(_, other)| *other) {
            return Err(Refusal::field(field, "is what the first message says; leave it out in the others"));
        }
        self.reader.push(&file.data);
        Ok(())
    }

    /// Why the import ends here, with what has become of the file so far.
    fn ended(&self, refusal: Refusal) -> Status {
        let lines = match self.lines() {
            0 => return refusal.into(),
            1 => "one line, which has its result".to_owned(),
            lines => format!("{lines} lines, which have their results"),
        };
        refusal
            .followed_by(&format!(
                "The import ended after {lines}. Send the whole file again: what is stored is not stored twice."
            ))
            .into()
    }

    /// How many lines have a result.
    fn lines(&self) -> i32 {
        let wire::ImportSummary { created, updated, unchanged, refused, merged } = self.sum;
        created + updated + unchanged + refused + merged
    }

    /// The file cannot be read on.
    fn unreadable(&self, sentence: &str) -> Refusal {
        let nothing = if self.lines() == 0 { " Nothing was stored." } else { "" };
        Refusal::new(ErrorReason::InvalidField, format!("The file cannot be imported. {sentence}{nothing}"))
            .violation("file", sentence)
    }
}

/// The call has been answered long ago, so that the log of its answer says nothing
/// of how its stream ends.
fn failed(error: &Error, line: u64) -> Refusal {
    if let Error::Database(fault) = error {
        tracing::warn!(%fault, line, "an import ended");
    }
    error.refusal().followed_by(&format!("Line {line} has no result.")).with("line", line.to_string())
}

/// The refusal of a part that cannot be had: of tonic, unless it is one of ours already.
fn unread(status: &Status) -> Refusal {
    Refusal::from_status(status).unwrap_or_else(|| match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => Refusal::new(
            ErrorReason::PayloadTooLarge,
            "A message of an import has 4 MiB at most, also when it is inflated: send the file in smaller parts.",
        ),
        _ => Refusal::new(
            ErrorReason::MalformedRequest,
            "The file broke off before its end, or a part of it is no message of this method.",
        ),
    })
}

fn too_slow() -> Refusal {
    Refusal::new(
        ErrorReason::RequestTimeout,
        format!("No line of the file came for {} seconds.", PAUSE.as_secs()),
    )
}

fn format(content_type: &str) -> Result<Format, Refusal> {
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let essence = parts.next().unwrap_or_default();
    let charset =
        parts.find_map(|part| part.strip_prefix("charset=").map(|name| name.trim_matches('"').to_owned()));
    let utf8 = charset.is_none_or(|name| matches!(name.as_str(), "utf-8" | "utf8" | "us-ascii"));
    match essence.as_str() {
        "text/csv" if utf8 => Ok(Format::Csv),
        "application/x-ndjson" | "application/jsonl" if utf8 => Ok(Format::Ndjson),
        _ => Err(Refusal::new(
            ErrorReason::UnsupportedMediaType,
            "An import takes a file in UTF-8: send `Content-Type: text/csv` or `Content-Type: application/x-ndjson`. Nothing was stored.",
        )),
    }
}
