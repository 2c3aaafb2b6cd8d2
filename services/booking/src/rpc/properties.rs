//! The wire of properties, their calendar and blocks.

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::booking::v1::property_service_server::PropertyService;
use frontdesk_proto::rest::v1::Format;
use frontdesk_proto::text::tidy_line;
use frontdesk_proto::{Refusal, paging};
use jiff::Timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Booking, failed, fields, sizes, stay_rules};
use crate::call::Call;
use crate::changes::{AddBlock, CreateProperty, EndBlock, UpdateProperty};
use crate::domain::ids::{BlockId, PropertyId};
use crate::domain::property::{
    self, Block, Calendar, DEFAULT_HOLD_HOURS, HoldPolicy, NewProperty, Occupancy, Occupant, Property,
    PropertyUpdate,
};
use crate::domain::stay::Stay;
use crate::domain::version::Version;
use crate::error::Error;

/// The list, as its page tokens know it.
const LIST: &[u8] = b"properties";

#[tonic::async_trait]
impl PropertyService for Booking {
    async fn list_properties(
        &self,
        request: Request<wire::ListPropertiesRequest>,
    ) -> Result<Response<wire::ListPropertiesResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::ListPropertiesRequest { page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let mut after = fields::after_name(LIST, &page_token)?;
        if fields::is_of_row(&after.key) {
            let row = self.store.get_property(call.tenant, PropertyId(after.id.0)).await.map_err(failed)?;
            after.key = row.ok_or_else(paging::invalid_token)?.name;
        }
        let found = self.store.list_properties(call.tenant, &after, size).await;
        let (found, size) = found.map_err(failed)?;
        let size = sizes::fitting(found.iter().map(|row| [&*row.name, &*row.time_zone]), size);
        let (rows, next_page_token) =
            paging::split(found, size, |row| paging::token(LIST, fields::token_text(&row.name), row.id.0));
        let left_out = match &*next_page_token {
            "" => self.store.count_unplaced_properties(call.tenant).await.map_err(failed)?,
            _ => 0,
        };
        Ok(Response::new(wire::ListPropertiesResponse {
            properties: rows.iter().map(property).collect(),
            next_page_token,
            left_out: fields::number(left_out),
        }))
    }

    async fn get_property(
        &self,
        request: Request<wire::GetPropertyRequest>,
    ) -> Result<Response<wire::GetPropertyResponse>, Status> {
        let call = Call::of(&request)?;
        let id = fields::id("property_id", &request.get_ref().property_id)?;
        let found = self.store.get_property(call.tenant, id).await.map_err(failed)?;
        let property = Some(property(&found.ok_or(Error::PropertyNotFound)?));
        Ok(Response::new(wire::GetPropertyResponse { property }))
    }

    async fn create_property(
        &self,
        request: Request<wire::CreatePropertyRequest>,
    ) -> Result<Response<wire::CreatePropertyResponse>, Status> {
        let call = Call::of(&request)?.with_key(&request, "CreateProperty")?;
        let new = new_property(request.into_inner())?;
        self.change(&call, &CreateProperty { new }, |stored| wire::CreatePropertyResponse {
            property: Some(property(stored)),
        })
        .await
    }

    async fn update_property(
        &self,
        request: Request<wire::UpdatePropertyRequest>,
    ) -> Result<Response<wire::UpdatePropertyResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "UpdateProperty")?;
        let update = property_update(request.into_inner())?;
        self.change(&call, &update, |stored| wire::UpdatePropertyResponse {
            property: Some(property(stored)),
        })
        .await
    }

    async fn get_availability(
        &self,
        request: Request<wire::GetAvailabilityRequest>,
    ) -> Result<Response<wire::GetAvailabilityResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::GetAvailabilityRequest { property_id, from, to, guest_count } = request.into_inner();
        let id: PropertyId = fields::id("property_id", &property_id)?;
        let dates = fields::nights(
            fields::Field { name: "from", text: &from },
            fields::Field { name: "to", text: &to },
        )?;
        let found = self.store.list_occupancies(call.tenant, id, dates).await.map_err(failed)?;
        let calendar = found.ok_or(Error::PropertyNotFound)?;
        Ok(Response::new(availability(property_id, calendar, dates, guest_count.max(1))))
    }

    async fn block_property(
        &self,
        request: Request<wire::BlockPropertyRequest>,
    ) -> Result<Response<wire::BlockPropertyResponse>, Status> {
        let call = Call::of(&request)?.with_key(&request, "BlockProperty")?;
        let new = new_block(request.into_inner())?;
        self.change(&call, &AddBlock { block: new }, |stored| wire::BlockPropertyResponse {
            block: Some(block(stored)),
        })
        .await
    }

    async fn unblock_property(
        &self,
        request: Request<wire::UnblockPropertyRequest>,
    ) -> Result<Response<wire::UnblockPropertyResponse>, Status> {
        let call = Call::of(&request)?
            .with_version(&request, &request.get_ref().etag)?
            .with_key(&request, "UnblockProperty")?;
        let wire::UnblockPropertyRequest { property_id, block_id, etag: _ } = request.into_inner();
        let property = fields::id("property_id", &property_id)?;
        let id = fields::id("block_id", &block_id)?;
        self.change(&call, &EndBlock { property, id }, |ended| wire::UnblockPropertyResponse {
            block: Some(block(ended)),
        })
        .await
    }
}

/// What can be had of a property, for a number of guests.
fn availability(
    property_id: String,
    calendar: Calendar,
    dates: Stay,
    guests: i32,
) -> wire::GetAvailabilityResponse {
    let property::Availability { free_nights, arrivals, broken, bookable } =
        calendar.availability(dates, guests, Timestamp::now());
    wire::GetAvailabilityResponse {
        property_id,
        bookable,
        arrival_dates: arrivals.iter().map(ToString::to_string).collect(),
        rule_violations: broken.into_iter().map(stay_rules::violation).collect(),
        free_nights: free_nights.iter().map(ToString::to_string).collect(),
        occupancies: calendar.occupancies.into_iter().map(occupancy).collect(),
    }
}

pub(super) fn new_property(request: wire::CreatePropertyRequest) -> Result<NewProperty, Refusal> {
    let wire::CreatePropertyRequest {
        name,
        time_zone: zone,
        max_guests,
        hold_policy,
        hold_hours,
        stay_rules,
    } = request;
    let hold_hours = if hold_hours == 0 { DEFAULT_HOLD_HOURS } else { hold_hours };
    Ok(NewProperty {
        id: PropertyId(Uuid::now_v7()),
        name: tidy_line(&name),
        time_zone: time_zone(&zone)?,
        max_guests,
        hold_policy: asked_policy(hold_policy)?.unwrap_or(HoldPolicy::None),
        hold_hours,
        rules: stay_rules.as_ref().map(stay_rules::read).transpose()?.unwrap_or_default(),
    })
}

fn property_update(request: wire::UpdatePropertyRequest) -> Result<UpdateProperty, Refusal> {
    let wire::UpdatePropertyRequest {
        property_id,
        name,
        time_zone: zone,
        max_guests,
        hold_policy,
        hold_hours,
        etag: _,
        stay_rules,
    } = request;
    let id = fields::id("property_id", &property_id)?;
    let update = PropertyUpdate {
        name: name.as_deref().map(tidy_line),
        time_zone: zone.as_deref().map(time_zone).transpose()?,
        max_guests,
        hold_policy: asked_policy(hold_policy)?,
        hold_hours,
        rules: stay_rules.as_ref().map(stay_rules::read).transpose()?,
    };
    Ok(UpdateProperty { id, update })
}

/// The zone as its database spells it.
fn time_zone(text: &str) -> Result<String, Refusal> {
    frontdesk_proto::time_zone(text).ok_or_else(|| Refusal::format("time_zone", Format::TimeZone))
}

/// The zone as it is shown: what other programs, and versions before, have stored may be
/// spelled in another way, or be no name of a zone.
fn shown_zone(stored: &str) -> String {
    frontdesk_proto::time_zone(stored).unwrap_or_else(|| stored.to_owned())
}

fn new_block(request: wire::BlockPropertyRequest) -> Result<Block, Refusal> {
    let wire::BlockPropertyRequest { property_id, start_date, end_date, note } = request;
    let from = fields::Field { name: "start_date", text: &start_date };
    let to = fields::Field { name: "end_date", text: &end_date };
    Ok(Block {
        id: BlockId(Uuid::now_v7()),
        property: fields::id("property_id", &property_id)?,
        nights: fields::nights(from, to)?,
        note,
        active: true,
    })
}

/// The hold policy of a field; `None` when it is not set.
fn asked_policy(policy: i32) -> Result<Option<HoldPolicy>, Refusal> {
    match wire::HoldPolicy::try_from(policy) {
        Ok(wire::HoldPolicy::Unspecified) => Ok(None),
        Ok(wire::HoldPolicy::None) => Ok(Some(HoldPolicy::None)),
        Ok(wire::HoldPolicy::Hold) => Ok(Some(HoldPolicy::Hold)),
        Err(_) => Err(fields::unknown("hold_policy")),
    }
}

pub(super) fn property(property: &Property) -> wire::Property {
    let mut texts = sizes::Texts::default();
    let Property {
        id,
        name,
        time_zone,
        max_guests,
        hold_policy,
        hold_hours,
        rules,
        row_version: _,
        created_at,
        updated_at,
    } = property;
    wire::Property {
        id: id.to_string(),
        name: texts.text("name", name.clone()),
        time_zone: texts.text("time_zone", shown_zone(time_zone)),
        max_guests: *max_guests,
        created_at: fields::shown(*created_at),
        hold_policy: match hold_policy {
            HoldPolicy::None => wire::HoldPolicy::None,
            HoldPolicy::Hold => wire::HoldPolicy::Hold,
        }
        .into(),
        hold_hours: *hold_hours,
        updated_at: fields::shown(*updated_at),
        etag: Version::of(property).to_string(),
        stay_rules: Some(stay_rules::message(rules)),
        shortened: texts.shortened(),
    }
}

fn occupancy(occupancy: Occupancy) -> wire::Occupancy {
    let Occupancy { by, nights } = occupancy;
    let (kind, source_id) = match by {
        Occupant::Booking(id) => (wire::OccupancyKind::Booking, id.to_string()),
        Occupant::Deleted(id) => (wire::OccupancyKind::Deleted, id.to_string()),
        Occupant::Freed(id) => (wire::OccupancyKind::Freed, id.to_string()),
        Occupant::Hold(id) => (wire::OccupancyKind::Hold, id.to_string()),
        Occupant::Block(id) => (wire::OccupancyKind::Block, id.to_string()),
        Occupant::Inventory(id) => (wire::OccupancyKind::Inventory, id.to_string()),
        Occupant::Request(id) => (wire::OccupancyKind::Request, id.to_string()),
    };
    wire::Occupancy {
        start_date: fields::day(nights.check_in),
        end_date: fields::day(nights.check_out),
        kind: kind.into(),
        source_id,
        blocking: by.is_blocking(),
    }
}

fn block(block: &Block) -> wire::Block {
    let mut texts = sizes::Texts::default();
    let Block { id, property, nights, note, active } = block;
    wire::Block {
        id: id.to_string(),
        property_id: property.to_string(),
        start_date: fields::day(nights.check_in),
        end_date: fields::day(nights.check_out),
        note: texts.text("note", note.clone()),
        active: *active,
        etag: Version::of(block).to_string(),
        shortened: texts.shortened(),
    }
}
