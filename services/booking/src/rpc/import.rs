//! Importing customers from a file: each line is checked as the request that would
//! create the customer, and stored by itself.

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::{Checked, ErrorReason, HttpBody, Refusal, Violations};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Booking, customers};
use crate::call::Call;
use crate::changes::{ImportCustomer, Imported, ImportedAs};
use crate::domain::ids::GuestId;
use crate::error::Error;
use crate::import::{self, Broken, Format, Line, Record};
use crate::store::{Answer, Store};

/// Most bytes of a file that a call brings; the gateway takes no more either.
const MAX_FILE: usize = 1024 * 1024;
/// Most lines of it: each is a transaction, and a call has seconds.
const MAX_LINES: usize = 1000;

impl Booking {
    pub(super) async fn import(
        &self,
        request: Request<wire::ImportCustomersRequest>,
    ) -> Result<Response<wire::ImportCustomersResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::ImportCustomersRequest { file, source } = request.into_inner();
        let lines = lines(&file.unwrap_or_default())?;
        let mut answer = wire::ImportCustomersResponse::default();
        for line in lines {
            let result = import_line(&self.store, &call, &source, line).await?;
            let counted = match result.outcome() {
                wire::ImportOutcome::Created => &mut answer.created,
                wire::ImportOutcome::Updated => &mut answer.updated,
                wire::ImportOutcome::Unchanged => &mut answer.unchanged,
                wire::ImportOutcome::Refused | wire::ImportOutcome::Unspecified => &mut answer.refused,
            };
            *counted += 1;
            answer.results.push(result);
        }
        Ok(Response::new(answer))
    }
}

/// The lines of a file that a call brings, all of which can be looked at.
fn lines(file: &HttpBody) -> Result<Vec<Line>, Refusal> {
    let format = format(&file.content_type)?;
    if file.data.len() > MAX_FILE {
        return Err(refused(&format!("It is longer than {MAX_FILE} bytes; send it in parts.")));
    }
    let read =
        import::lines(format, file.data.as_slice()).and_then(|lines| lines.take(MAX_LINES + 1).collect());
    let lines: Vec<Line> = read.map_err(|Broken(sentence)| refused(&sentence))?;
    if lines.len() > MAX_LINES {
        return Err(refused(&format!("It has more than {MAX_LINES} lines; send it in parts.")));
    }
    Ok(lines)
}

fn refused(sentence: &str) -> Refusal {
    Refusal::new(
        ErrorReason::InvalidField,
        format!("The file cannot be imported. {sentence} Nothing was stored."),
    )
    .violation("file", sentence)
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

/// Stores what a line says and tells what came of it. The error is one that would
/// have the next line too.
pub(super) async fn import_line(
    store: &Store,
    call: &Call,
    source: &str,
    line: Line,
) -> Result<wire::ImportedCustomer, Status> {
    let number = i32::try_from(line.number).unwrap_or(i32::MAX);
    let told = wire::ImportedCustomer { line: number, ..Default::default() };
    let asked = match line.record {
        Ok(record) => asked(record, source),
        Err(sentence) => return Ok(refusal(told, &Refusal::new(ErrorReason::MalformedRequest, sentence))),
    };
    let told = wire::ImportedCustomer { external_id: asked.external_id.trim().to_owned(), ..told };
    if let Some(wrong) = wrong(&asked) {
        return Ok(refusal(told, &wrong));
    }
    let import = ImportCustomer { id: GuestId(Uuid::now_v7()), is: customers::described(asked) };
    match store.change(call, &import, |_| Vec::new()).await {
        Ok(Answer::Outcome(Imported { id, as_what })) => {
            let outcome = match as_what {
                ImportedAs::Created => wire::ImportOutcome::Created,
                ImportedAs::Updated => wire::ImportOutcome::Updated,
                ImportedAs::Unchanged => wire::ImportOutcome::Unchanged,
            };
            Ok(wire::ImportedCustomer { outcome: outcome.into(), customer_id: id.to_string(), ..told })
        }
        // Only a call with a key has one.
        Ok(Answer::Stored(_)) => Ok(told),
        Err(error) if is_of_the_line(&error) => Ok(refusal(told, &error.refusal())),
        Err(error) => Err(error.into()),
    }
}

/// The request that a line makes.
fn asked(record: Record, source: &str) -> wire::CreateCustomerRequest {
    let Record { name, email, phone, external_id, source: own, notes } = record;
    let source = if own.0.trim().is_empty() { source.to_owned() } else { own.0 };
    wire::CreateCustomerRequest {
        name: name.0,
        email: email.0,
        phone: phone.0,
        external_id: external_id.0,
        source,
        notes: notes.0,
    }
}

/// What is wrong with the fields of a line.
fn wrong(asked: &wire::CreateCustomerRequest) -> Option<Refusal> {
    let mut found = Violations::default();
    asked.check(&mut found);
    let nameless = asked.external_id.trim().is_empty();
    found.refusal().or_else(|| nameless.then(|| Refusal::field("external_id", "is needed in an import")))
}

fn refusal(told: wire::ImportedCustomer, refusal: &Refusal) -> wire::ImportedCustomer {
    wire::ImportedCustomer {
        outcome: wire::ImportOutcome::Refused.into(),
        reason: refusal.reason().name().to_owned(),
        message: refusal.message().to_owned(),
        ..told
    }
}

/// Whether what was refused is what the line says.
fn is_of_the_line(error: &Error) -> bool {
    let reason = error.refusal().reason();
    matches!(
        reason,
        ErrorReason::CustomerArchived
            | ErrorReason::CheckViolation
            | ErrorReason::FkViolation
            | ErrorReason::NotNullViolation
            | ErrorReason::UniqueViolation
            | ErrorReason::InvalidValue
    )
}
