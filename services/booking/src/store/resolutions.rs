//! Statements that put a row right by a choice, beside those of approvals and
//! cancellations, and the record of who chose what.

use jiff::Timestamp;
use pg::{Fault, Query};
use uuid::Uuid;

use super::change::{Change, Finished, Stamp};
use crate::domain::ids::{BookingId, BookingRequestId, RangeId, RowId};
use crate::domain::inconsistency::{Choice, Subject};

pg::statements! {
    /// Takes from a request what says that it is confirmed.
    ClearFulfilment<'a> = "clear_fulfilment" (tenant: Uuid, id: RowId, note: &'a str) with Stamp;
    /// Gives a booking its range.
    RestoreRange = "restore_range" (tenant: Uuid, id: RowId, range: RangeId, at: Timestamp);

    /// Gives a range the nights of its booking.
    FitRange = "fit_range" (tenant: Uuid, id: RowId, booking: BookingId);

    /// Ends a range.
    ReleaseRange = "release_range" (tenant: Uuid, id: RowId);

    /// Gives the columns of a request that cannot be shown the values of a new one.
    WriteRequestDefaults = "standard/write_request_defaults" | "single_table/write_request_defaults" (
        tenant: Uuid, id: RowId, at: Timestamp,
    );

    /// Gives the columns of a booking that cannot be shown the values of a new one.
    WriteBookingDefaults = "write_booking_defaults" (tenant: Uuid, id: RowId, at: Timestamp);

    /// Gives the columns of a property that cannot be shown the values of a new one.
    WritePropertyDefaults = "write_property_defaults" (tenant: Uuid, id: RowId, at: Timestamp);

    /// Gives the columns of a customer that cannot be shown the values of a new one.
    WriteCustomerDefaults = "write_customer_defaults" (tenant: Uuid, id: RowId, at: Timestamp);

    /// Records a choice.
    RecordResolution = "record_resolution" (
        tenant: Uuid, row: RowId, request: Option<BookingRequestId>, booking: Option<BookingId>,
        choice: &'static str,
    ) with Stamp;
}

/// What was chosen, for the record.
#[derive(Debug, Clone, Copy)]
pub struct Resolution {
    pub row: RowId,
    pub choice: Choice,
    pub request: Option<BookingRequestId>,
    pub booking: Option<BookingId>,
}

impl Change {
    /// Takes from a request what says that it is confirmed: it waits for a decision.
    pub async fn clear_fulfilment<O>(self, id: RowId, note: &str, outcome: O) -> Result<Finished<O>, Fault> {
        let clear = ClearFulfilment { tenant: self.tenant(), id, note, with: self.stamp() };
        self.tx.run(&clear).await?;
        Ok(self.settle(outcome))
    }

    /// Gives a booking its range.
    pub async fn restore_range<O>(self, id: RowId, outcome: O) -> Result<Finished<O>, Fault> {
        let restore = RestoreRange { tenant: self.tenant(), id, range: Self::new_range(), at: self.at };
        self.tx.run(&restore).await?;
        Ok(self.settle(outcome))
    }

    /// Gives a range the nights of its booking.
    pub async fn fit_range<O>(self, id: RowId, booking: BookingId, outcome: O) -> Result<Finished<O>, Fault> {
        self.tx.run(&FitRange { tenant: self.tenant(), id, booking }).await?;
        Ok(self.settle(outcome))
    }

    /// Ends a range.
    pub async fn release_range<O>(self, id: RowId, outcome: O) -> Result<Finished<O>, Fault> {
        self.tx.run(&ReleaseRange { tenant: self.tenant(), id }).await?;
        Ok(self.settle(outcome))
    }

    /// Gives the columns of a row that cannot be shown the values of a new one.
    pub async fn write_defaults<O>(
        self,
        id: RowId,
        subject: Subject,
        outcome: O,
    ) -> Result<Finished<O>, Fault> {
        let (tenant, at) = (self.tenant(), self.at);
        let write: &(dyn Query + Send) = match subject {
            Subject::Request => &WriteRequestDefaults { tenant, id, at },
            Subject::Booking => &WriteBookingDefaults { tenant, id, at },
            Subject::Property => &WritePropertyDefaults { tenant, id, at },
            Subject::Customer => &WriteCustomerDefaults { tenant, id, at },
            // Nothing that it has to have is there by itself.
            Subject::Range => return Ok(self.settle(outcome)),
        };
        self.tx.run(write).await?;
        Ok(self.settle(outcome))
    }
}

impl<O> Finished<O> {
    /// Records what was chosen, as the last word of a change that was left open for it.
    pub async fn recording(self, resolution: Resolution) -> Result<Self, Fault> {
        let Resolution { row, choice, request, booking } = resolution;
        self.writing(row)
            .with_last_word(async |change| {
                let record = RecordResolution {
                    tenant: change.tenant(),
                    row,
                    with: change.stamp(),
                    request,
                    booking,
                    choice: choice.name(),
                };
                change.tx.run(&record).await.map(drop)
            })
            .await
    }
}
