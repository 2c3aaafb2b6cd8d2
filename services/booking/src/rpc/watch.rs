//! The wire of events: the history of a request, and the stream of a tenant's.
//! `BookingRequestService` has their methods, so they are called from there.

use std::sync::LazyLock;

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::{Refusal, paging};
use futures::StreamExt;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Booking, evidence, failed, fields, fulfilment, inconsistencies};
use crate::call::Call;
use crate::domain::event::{Event, EventKind, StoredKind};
use crate::domain::ids::{BookingRequestId, RowId};
use crate::domain::listing::{After, Time, time};
use crate::error::Error;
use crate::feed::cursor::Cursor;
use crate::feed::{Follow, Holder, Item, cursor};

/// The messages of a watch.
pub type Watch = BoxStream<'static, Result<wire::WatchBookingRequestsResponse, Status>>;

impl Booking {
    pub(super) async fn history(
        &self,
        request: Request<wire::ListBookingRequestEventsRequest>,
    ) -> Result<Response<wire::ListBookingRequestEventsResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::ListBookingRequestEventsRequest { booking_request_id, page_size, page_token, limit } =
            request.into_inner();
        let id: BookingRequestId = fields::id("booking_request_id", &booking_request_id)?;
        let size = paging::size(page_size, limit)?;
        let list = format!("events of {booking_request_id}").into_bytes();
        let after = match paging::read_token(&list, &page_token)? {
            Some((at, id)) => After { key: time(&at).ok_or_else(paging::invalid_token)?, id: RowId(id) },
            None => After { key: Time::MIN, id: RowId(Uuid::nil()) },
        };
        let found = self.store.list_events(call.tenant, id, &after, size + 1).await.map_err(failed)?;
        let (rows, next_page_token) =
            paging::split(found.ok_or(Error::RequestNotFound(id))?, size, |(at, told)| {
                paging::token(&list, &at.to_string(), told.id.0)
            });
        let events = rows.into_iter().map(|(_, told)| event(told)).collect();
        Ok(Response::new(wire::ListBookingRequestEventsResponse { events, next_page_token }))
    }

    pub(super) async fn watch(
        &self,
        request: Request<wire::WatchBookingRequestsRequest>,
    ) -> Result<Response<Watch>, Status> {
        let call = Call::of(&request)?;
        let (caller, standing) = (access::caller(&request)?, access::standing(&request)?);
        let holder = match Holder::of(&caller) {
            Some(holder) => holder,
            None => Holder::User(caller.user()?.id),
        };
        let wire::WatchBookingRequestsRequest { cursor, property_id } = request.into_inner();
        let follow = Follow {
            tenant: call.tenant,
            property: fields::optional_id("property_id", &property_id)?,
            cursor: place(&cursor)?,
            standing,
            holder,
        };
        let items = self.feed.follow(follow).await?;
        let messages = items.map(|item| item.map(message).map_err(ended));
        let go_on = "Start it again from its last cursor.";
        Ok(Response::new(boot::while_read(messages, go_on).boxed()))
    }
}

/// Where to go on.
fn place(cursor: &str) -> Result<Cursor, Refusal> {
    cursor::read(cursor).ok_or_else(|| {
        Refusal::field("cursor", "takes the cursor of a message of this stream, `start`, or nothing")
    })
}

/// The call has been answered long ago, so that the log of its answer says nothing
/// of how its stream ends. That its feed cannot be read is logged once for all streams of it.
fn ended(error: Error) -> Status {
    if let Error::Database(fault) = &error {
        tracing::debug!(%fault, "a stream ended");
    }
    error.into()
}

fn message(item: Item) -> wire::WatchBookingRequestsResponse {
    let Item { event: happened, place } = item;
    wire::WatchBookingRequestsResponse { event: happened.map(event), cursor: cursor::write(place) }
}

fn event(event: Event) -> wire::BookingRequestEvent {
    let Event {
        id,
        at,
        request,
        booking,
        property,
        customer,
        block,
        kind: what,
        evidence: found,
        choice,
        acting,
        on_behalf_of,
        fulfilment: nights,
        overridden_rules,
    } = event;
    wire::BookingRequestEvent {
        id: id.to_string(),
        at: fields::shown(at),
        kind: match what {
            StoredKind::Known(what) => kind(what),
            StoredKind::Unknown(_) => wire::BookingRequestEventKind::Unspecified,
        }
        .into(),
        booking_request_id: fields::written(request),
        booking_id: fields::written(booking),
        actor: fields::written(acting.user),
        evidence: found.map_or(wire::ApproveEvidence::Unspecified, evidence::value).into(),
        by: acting.by.map(|by| fields::actor(by, on_behalf_of)),
        property_id: fields::written(property),
        customer_id: fields::written(customer),
        block_id: fields::written(block),
        fulfilment: nights.as_ref().map(fulfilment::message),
        choice: choice.map_or(wire::ResolutionChoice::Unspecified, inconsistencies::choice).into(),
        overridden_rules,
    }
}

/// Its value, which is named as the domain names the kind, so that a new one is not written
/// here.
fn kind(kind: EventKind) -> wire::BookingRequestEventKind {
    static VALUES: LazyLock<Vec<(EventKind, wire::BookingRequestEventKind)>> = LazyLock::new(|| {
        let named = |kind: EventKind| {
            let name = format!("BOOKING_REQUEST_EVENT_KIND_{}", kind.name().to_uppercase());
            Some((kind, wire::BookingRequestEventKind::from_str_name(&name)?))
        };
        EventKind::ALL.into_iter().filter_map(named).collect()
    });
    let value = VALUES.iter().find(|(of, _)| *of == kind);
    value.map_or(wire::BookingRequestEventKind::Unspecified, |(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_value_of_its_own() {
        let mut values: Vec<i32> = EventKind::ALL.into_iter().map(|one| kind(one).into()).collect();
        assert!(!values.contains(&wire::BookingRequestEventKind::Unspecified.into()), "{values:?}");
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), EventKind::ALL.len(), "{values:?}");
        // And nothing else is on the wire.
        let known = (1..100).filter(|value| wire::BookingRequestEventKind::try_from(*value).is_ok());
        assert_eq!(known.collect::<Vec<i32>>(), values);
    }
}
