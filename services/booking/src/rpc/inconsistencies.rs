//! The wire of inconsistencies: how each is shown, and the choice that is made for one.
//! `DiagnosticsService` has their methods, so they are called from there.

use frontdesk_proto::Refusal;
use frontdesk_proto::booking::v1 as wire;
use tonic::{Request, Response, Status};

use super::{Booking, fields};
use crate::call::Call;
use crate::changes::{Resolve, Resolved};
use crate::domain::ids::RowId;
use crate::domain::inconsistency::{Choice, Inconsistency, InconsistencyKind, Subject, has_default};

impl Booking {
    pub(super) async fn resolve(
        &self,
        request: Request<wire::ResolveInconsistencyRequest>,
    ) -> Result<Response<wire::ResolveInconsistencyResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "ResolveInconsistency")?;
        let scopes = access::caller(&request)?.scopes.to_vec();
        let wire::ResolveInconsistencyRequest { row_id, choice, internal_note, etag: _, override_rules } =
            request.into_inner();
        let resolve = Resolve {
            row: fields::id("row_id", &row_id)?,
            choice: chosen(choice)?,
            note: internal_note,
            override_rules,
            scopes,
        };
        self.change(&call, &resolve, resolved).await
    }
}

fn resolved(resolved: &Resolved) -> wire::ResolveInconsistencyResponse {
    let Resolved { row, choice: chosen, kind: was, request, booking } = *resolved;
    let message = match was {
        Some(_) => done(chosen),
        None => "Nothing to do: the row is already as this choice would leave it.",
    };
    wire::ResolveInconsistencyResponse {
        row_id: row.0.to_string(),
        choice: choice(chosen).into(),
        resolved: was.is_some(),
        kind: was.map_or(wire::InconsistencyKind::Unspecified, kind).into(),
        booking_request_id: fields::written(request),
        booking_id: fields::written(booking),
        message: message.to_owned(),
    }
}

pub(super) fn message(found: Inconsistency) -> wire::Inconsistency {
    let remedy = remedy(&found);
    let Inconsistency { kind: what, subject: _, request, booking, row, choices, version, columns: _ } = found;
    wire::Inconsistency {
        kind: kind(what).into(),
        booking_request_id: fields::written(request),
        booking_id: fields::written(booking),
        remedy,
        row_id: row.0.to_string(),
        choices: choices.into_iter().map(|one| choice(one).into()).collect(),
        etag: version.to_string(),
    }
}

/// What is wrong, and what puts it right.
fn remedy(found: &Inconsistency) -> String {
    let RowId(row) = found.row;
    match found.subject {
        Subject::Request | Subject::Booking | Subject::Range => {}
        Subject::Property => return remedy_of(found, "property", "properties"),
        Subject::Customer => return remedy_of(found, "customer", "customers"),
    }
    let what = match found.kind {
        InconsistencyKind::ConfirmedAtSet => {
            "The open request has a confirmation date and no booking.".to_owned()
        }
        InconsistencyKind::ApprovedBookingConfirmed => {
            "The open request is linked to a confirmed booking of its guest.".to_owned()
        }
        InconsistencyKind::InventoryActive => "The open request has an active inventory range.".to_owned(),
        InconsistencyKind::RelatedBookingConfirmed => {
            "The open request's guest has a confirmed booking for the same dates.".to_owned()
        }
        InconsistencyKind::ConfirmedWithoutBooking => {
            "The request reads as confirmed and its booking is missing or cancelled.".to_owned()
        }
        InconsistencyKind::BookingWithoutRange => {
            "The booking has no active inventory range for all its nights, so other programs may take its dates for free."
                .to_owned()
        }
        InconsistencyKind::RangeWithoutBooking => format!(
            "The active inventory range {row} belongs to no live booking and keeps its dates from being let."
        ),
        InconsistencyKind::RangeMisplaced => format!(
            "The active inventory range {row} covers nights outside its booking, none of its open request, or is of another property, and keeps those nights from being let."
        ),
        InconsistencyKind::DeletedInTheWay => {
            "The booking was deleted, and the constraint against double bookings keeps its nights from being let."
                .to_owned()
        }
        InconsistencyKind::FreedInTheWay => {
            "The booking does not stand, and the constraint against double bookings keeps its nights from being let."
                .to_owned()
        }
        InconsistencyKind::LinkNotFollowed => {
            "The request is linked to a booking of another guest or property, or to one that covers none of its nights; the link is not followed.".to_owned()
        }
        InconsistencyKind::ConfirmedAtTaken => {
            "The open request has a confirmation date and no booking, and others have nights of it."
                .to_owned()
        }
        InconsistencyKind::PartlyCovered => {
            "The request reads as confirmed, its booking covers a part of it, and others have nights of the rest.".to_owned()
        }
        InconsistencyKind::Unreadable => {
            format!("The row holds what cannot be shown in: {}.", found.columns.join(", "))
        }
    };
    if found.choices.is_empty() && found.kind == InconsistencyKind::BookingWithoutRange {
        return format!(
            "{what} Its guest has arrived, and a block or another inventory range has one of its nights, which GET /v1/properties/{{property_id}}/availability shows: end that, and the booking can get its range; or check the guest out."
        );
    }
    if found.choices.is_empty() {
        return format!(
            "{what} The constraint covers it by more than its status, which no choice changes: the program that writes it has to take it away, or delete the row."
        );
    }
    let by_approving =
        matches!(
            found.kind,
            InconsistencyKind::ConfirmedAtSet
                | InconsistencyKind::ApprovedBookingConfirmed
                | InconsistencyKind::InventoryActive
                | InconsistencyKind::RelatedBookingConfirmed
        ) && found.choices.iter().any(|one| matches!(one, Choice::Confirm | Choice::LinkBooking));
    let or = if by_approving {
        format!(
            " Approve the request (POST /api/v1/booking-requests/{row}/approve): that puts it right. Or resolve"
        )
    } else {
        " Resolve".to_owned()
    };
    format!("{what}{or} it {}.", by_choices(found))
}

/// How one of the choices is made.
fn by_choices(found: &Inconsistency) -> String {
    let RowId(row) = found.row;
    let names: Vec<&str> = found.choices.iter().map(|choice| choice.name()).collect();
    format!("(POST /api/v1/diagnostics/inconsistencies/{row}/resolve) by one of: {}", names.join(", "))
}

/// The same of a property or a customer, of which most is what somebody has to say, and
/// nothing contradicts anything.
fn remedy_of(found: &Inconsistency, noun: &str, all: &str) -> String {
    /// What no call for them writes.
    const BY_ITSELF: [&str; 5] = ["row_version", "created_at", "updated_at", "archived", "archived_at"];
    let (RowId(row), columns) = (found.row, &found.columns);
    let mut said = vec![format!("The {noun} holds what cannot be shown in: {}.", columns.join(", "))];
    let is_said = columns.iter().any(|column| !BY_ITSELF.contains(&&**column));
    if is_said {
        said.push(format!(
            "Whoever may change {all} ({all}:manage) says what is right (PATCH /api/v1/{all}/{row}), or the program that writes it does."
        ));
    }
    if !found.choices.is_empty() {
        let or = if is_said { "Or resolve" } else { "Resolve" };
        let left: Vec<&str> =
            columns.iter().map(String::as_str).filter(|column| !has_default(column)).collect();
        let leaves = match &*left.join(", ") {
            "" => String::new(),
            left => format!(", which leaves {left} as it is"),
        };
        said.push(format!("{or} it {}{leaves}.", by_choices(found)));
    }
    said.join(" ")
}

/// What has been done, as a sentence.
fn done(choice: Choice) -> &'static str {
    match choice {
        Choice::ClearMark => "The mark is cleared; the booking request waits for a decision.",
        Choice::ClearLink => "The link is cleared; the booking request waits for a decision.",
        Choice::LinkBooking => "The booking fulfils the booking request.",
        Choice::Confirm => "The booking request is confirmed and has its booking.",
        Choice::RestoreRange => "The booking has its inventory range.",
        Choice::ReleaseRange => "The inventory range has ended; its nights are free.",
        Choice::FitRange => "The inventory range has the nights of its booking.",
        Choice::Reopen => "The booking request waits for a decision.",
        Choice::WriteDefaults => "Columns that could not be shown have the values of a new row.",
        Choice::Cancel => "It is cancelled.",
    }
}

fn kind(kind: InconsistencyKind) -> wire::InconsistencyKind {
    match kind {
        InconsistencyKind::ConfirmedAtSet => wire::InconsistencyKind::ConfirmedAtSet,
        InconsistencyKind::ApprovedBookingConfirmed => wire::InconsistencyKind::ApprovedBookingConfirmed,
        InconsistencyKind::InventoryActive => wire::InconsistencyKind::InventoryActive,
        InconsistencyKind::RelatedBookingConfirmed => wire::InconsistencyKind::RelatedBookingConfirmed,
        InconsistencyKind::ConfirmedWithoutBooking => wire::InconsistencyKind::ConfirmedWithoutBooking,
        InconsistencyKind::BookingWithoutRange => wire::InconsistencyKind::BookingWithoutRange,
        InconsistencyKind::RangeWithoutBooking => wire::InconsistencyKind::RangeWithoutBooking,
        InconsistencyKind::LinkNotFollowed => wire::InconsistencyKind::LinkNotFollowed,
        InconsistencyKind::ConfirmedAtTaken => wire::InconsistencyKind::ConfirmedAtTaken,
        InconsistencyKind::PartlyCovered => wire::InconsistencyKind::PartlyCovered,
        InconsistencyKind::Unreadable => wire::InconsistencyKind::Unreadable,
        InconsistencyKind::RangeMisplaced => wire::InconsistencyKind::RangeMisplaced,
        InconsistencyKind::DeletedInTheWay => wire::InconsistencyKind::DeletedInTheWay,
        InconsistencyKind::FreedInTheWay => wire::InconsistencyKind::FreedInTheWay,
    }
}

pub(super) fn choice(choice: Choice) -> wire::ResolutionChoice {
    match choice {
        Choice::ClearMark => wire::ResolutionChoice::ClearMark,
        Choice::ClearLink => wire::ResolutionChoice::ClearLink,
        Choice::LinkBooking => wire::ResolutionChoice::LinkBooking,
        Choice::Confirm => wire::ResolutionChoice::Confirm,
        Choice::RestoreRange => wire::ResolutionChoice::RestoreRange,
        Choice::ReleaseRange => wire::ResolutionChoice::ReleaseRange,
        Choice::FitRange => wire::ResolutionChoice::FitRange,
        Choice::Reopen => wire::ResolutionChoice::Reopen,
        Choice::WriteDefaults => wire::ResolutionChoice::WriteDefaults,
        Choice::Cancel => wire::ResolutionChoice::Cancel,
    }
}

fn chosen(asked: i32) -> Result<Choice, Refusal> {
    let known = wire::ResolutionChoice::try_from(asked).ok();
    let found = Choice::ALL.into_iter().find(|one| Some(choice(*one)) == known);
    found.ok_or_else(|| fields::unknown("choice"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::judgement::{UnreadableFacts, of_unreadable};

    /// The words for a row that holds what cannot be shown in these columns.
    fn said(subject: Subject, columns: &[&str]) -> String {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        let facts = UnreadableFacts { row: RowId(Uuid::nil()), subject, columns, row_version: 1 };
        remedy(&of_unreadable(&facts).unwrap())
    }

    #[test]
    fn what_puts_a_property_or_a_customer_right_is_said_of_each_column() {
        const ROW: &str = "00000000-0000-0000-0000-000000000000";
        let resolve =
            format!("(POST /api/v1/diagnostics/inconsistencies/{ROW}/resolve) by one of: write_defaults");
        let update = |all: &str| {
            format!(
                "Whoever may change {all} ({all}:manage) says what is right (PATCH /api/v1/{all}/{ROW}), or the program that writes it does."
            )
        };
        assert_eq!(
            said(Subject::Property, &["hold_policy", "time_zone"]),
            format!(
                "The property holds what cannot be shown in: hold_policy, time_zone. {} Or resolve it {resolve}, which leaves time_zone as it is.",
                update("properties")
            )
        );
        assert_eq!(
            said(Subject::Customer, &["name"]),
            format!("The customer holds what cannot be shown in: name. {}", update("customers"))
        );
        assert_eq!(
            said(Subject::Customer, &["created_at"]),
            format!("The customer holds what cannot be shown in: created_at. Resolve it {resolve}.")
        );
        let of_request = said(Subject::Request, &["message"]);
        assert_eq!(
            of_request,
            format!("The row holds what cannot be shown in: message. Resolve it {resolve}.")
        );
    }
}
