//! One line of an import: checked as the request that would create the customer, and
//! stored by itself.

use std::time::Duration;

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::{Checked, ErrorReason, Refusal, Violations};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::call::Call;
use crate::changes::{ImportCustomer, Imported, ImportedAs};
use crate::domain::ids::GuestId;
use crate::error::{Error, shutting_down};
use crate::import::{Line, Record};
use crate::rpc::customers;
use crate::store::Store;

/// How long a line waits before each further try. An import takes minutes, and a
/// database that fails over or has no room for seconds is no reason to end it. Trying
/// again is safe even when nobody knows whether the line was stored: then it is, and
/// it has not changed.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// Stores what a line says and tells what came of it. The error is one that the next
/// line would have too, or `stop` came while it was waiting to try again.
pub async fn import(
    store: &Store,
    call: &Call,
    source: &str,
    line: Line,
    stop: &CancellationToken,
) -> Result<wire::ImportedCustomer, Error> {
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
    match patiently(store, call, &import, stop).await {
        Ok(Imported { id, as_what }) => {
            let outcome = match as_what {
                ImportedAs::Created => wire::ImportOutcome::Created,
                ImportedAs::Updated => wire::ImportOutcome::Updated,
                ImportedAs::Unchanged => wire::ImportOutcome::Unchanged,
                ImportedAs::Merged => wire::ImportOutcome::Merged,
            };
            Ok(wire::ImportedCustomer { outcome: outcome.into(), customer_id: id.to_string(), ..told })
        }
        Err(error) if is_of_the_line(&error) => {
            if let Error::Database(fault) = &error {
                tracing::info!(%fault, line = number, "the database refused a line of an import");
            }
            Ok(refusal(told, &error.refusal()))
        }
        Err(error) => Err(error),
    }
}

async fn patiently(
    store: &Store,
    call: &Call,
    import: &ImportCustomer,
    stop: &CancellationToken,
) -> Result<Imported, Error> {
    let mut pauses = PAUSES.iter();
    loop {
        match (store.change(call, import).await, pauses.next()) {
            (Ok(imported), _) => return Ok(imported),
            (Err(error), Some(pause)) if passes(&error) => {
                tracing::warn!(%error, ?pause, "a line of an import is tried again");
                tokio::select! {
                    () = tokio::time::sleep(*pause) => {}
                    () = stop.cancelled() => return Err(shutting_down().into()),
                }
            }
            (Err(error), _) => return Err(error),
        }
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
    matches!(
        error.refusal().reason(),
        ErrorReason::CustomerArchived
            | ErrorReason::CheckViolation
            | ErrorReason::FkViolation
            | ErrorReason::NotNullViolation
            | ErrorReason::UniqueViolation
            | ErrorReason::InvalidValue
            | ErrorReason::UnreadableRow
    ) || matches!(error, Error::Database(fault) if *fault.kind() == pg::Kind::Refused)
}

/// Whether the same may go well in a moment.
fn passes(error: &Error) -> bool {
    matches!(
        error.refusal().reason(),
        ErrorReason::Contention
            | ErrorReason::LockTimeout
            | ErrorReason::StatementTimeout
            | ErrorReason::Overloaded
            | ErrorReason::DbOverloaded
            | ErrorReason::DbUnavailable
            | ErrorReason::DbReadOnly
            | ErrorReason::OutcomeUnknown
    )
}
