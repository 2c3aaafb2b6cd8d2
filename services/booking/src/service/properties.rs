//! The wire of properties, their calendar and blocks.

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::booking::v1::property_service_server::PropertyService;
use frontdesk_proto::{Refusal, paging};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::Booking;
use crate::call::Call;
use crate::convert;
use crate::domain::ids::{BlockId, PropertyId};
use crate::domain::stay::Stay;
use crate::error::{Error, OverlapOf};
use crate::store::{Block, HoldPolicy, NewProperty, Occupancy, OccupancyKind, PropertyChange};

const MAX_NAME: usize = 200;
const MAX_GUESTS: i32 = 100;
const MAX_HOLD_HOURS: i32 = 720;
const DEFAULT_HOLD_HOURS: i32 = 24;

#[tonic::async_trait]
impl PropertyService for Booking {
    async fn list_properties(
        &self,
        request: Request<wire::ListPropertiesRequest>,
    ) -> Result<Response<wire::ListPropertiesResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::ListPropertiesRequest { page_size, page_token, limit } = request.into_inner();
        let size = paging::size(page_size, limit)?;
        let (name, id) = paging::read_token(b"properties", &page_token)?.unwrap_or_default();
        let found = self.store.run(async |schema| {
            let rows = self.store.list_properties(&schema, call.tenant, (&name, id), size + 1);
            rows.await.map_err(Error::from)
        });
        let (rows, next_page_token) =
            paging::split(found.await?, size, |row| paging::token(b"properties", &row.name, row.id.0));
        let properties = rows.into_iter().map(convert::property).collect();
        Ok(Response::new(wire::ListPropertiesResponse { properties, next_page_token }))
    }

    async fn get_property(
        &self,
        request: Request<wire::GetPropertyRequest>,
    ) -> Result<Response<wire::GetPropertyResponse>, Status> {
        let call = Call::of(&request)?;
        let id = PropertyId::parse("property_id", &request.get_ref().property_id)?;
        let found = self
            .store
            .run(async |schema| self.store.get_property(&schema, call.tenant, id).await.map_err(Error::from));
        let property = Some(convert::property(found.await?.ok_or(Error::PropertyNotFound)?));
        Ok(Response::new(wire::GetPropertyResponse { property }))
    }

    async fn create_property(
        &self,
        request: Request<wire::CreatePropertyRequest>,
    ) -> Result<Response<wire::CreatePropertyResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::CreatePropertyRequest { name, time_zone, max_guests, hold_policy, hold_hours } =
            request.into_inner();
        let hold_hours = if hold_hours == 0 { DEFAULT_HOLD_HOURS } else { hold_hours };
        let new = NewProperty {
            id: PropertyId(Uuid::now_v7()),
            name: property_name(name)?,
            time_zone: known_zone(time_zone)?,
            max_guests: within("max_guests", max_guests, MAX_GUESTS)?,
            hold_policy: convert::hold_policy(hold_policy)?.unwrap_or(HoldPolicy::None),
            hold_hours: within("hold_hours", hold_hours, MAX_HOLD_HOURS)?,
        };
        let at = Timestamp::now();
        let stored = self.store.run(async |schema| {
            self.store.insert_property(&schema, call.tenant, &new, at).await.map_err(name_taken)
        });
        let property = Some(convert::property(stored.await?));
        Ok(Response::new(wire::CreatePropertyResponse { property }))
    }

    async fn update_property(
        &self,
        request: Request<wire::UpdatePropertyRequest>,
    ) -> Result<Response<wire::UpdatePropertyResponse>, Status> {
        let call = Call::of(&request)?.with_version(&request, &request.get_ref().etag)?;
        let wire::UpdatePropertyRequest {
            property_id,
            name,
            time_zone,
            max_guests,
            hold_policy,
            hold_hours,
            etag: _,
        } = request.into_inner();
        let id = PropertyId::parse("property_id", &property_id)?;
        let change = PropertyChange {
            name: name.map(property_name).transpose()?,
            time_zone: time_zone.map(known_zone).transpose()?,
            max_guests: max_guests.map(|most| within("max_guests", most, MAX_GUESTS)).transpose()?,
            hold_policy: convert::hold_policy(hold_policy)?,
            hold_hours: hold_hours.map(|hours| within("hold_hours", hours, MAX_HOLD_HOURS)).transpose()?,
            version: call.version,
        };
        let at = Timestamp::now();
        let stored = self.store.run(async |schema| {
            let stored = self.store.update_property(&schema, call.tenant, id, &change, at).await;
            if let Some(stored) = stored.map_err(name_taken)? {
                return Ok(stored);
            }
            match self.store.get_property(&schema, call.tenant, id).await? {
                Some(current) => Err(Error::EtagMismatch { current: current.row_version }),
                None => Err(Error::PropertyNotFound),
            }
        });
        let property = Some(convert::property(stored.await?));
        Ok(Response::new(wire::UpdatePropertyResponse { property }))
    }

    async fn get_availability(
        &self,
        request: Request<wire::GetAvailabilityRequest>,
    ) -> Result<Response<wire::GetAvailabilityResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::GetAvailabilityRequest { property_id, from, to } = request.into_inner();
        let id = PropertyId::parse("property_id", &property_id)?;
        let dates = Stay::parse_fields(("from", &from), ("to", &to))?;
        let found = self.store.run(async |schema| {
            if self.store.get_property(&schema, call.tenant, id).await?.is_none() {
                return Err(Error::PropertyNotFound);
            }
            Ok(self.store.list_occupancies(&schema, call.tenant, id, dates).await?)
        });
        let occupancies = found.await?;
        Ok(Response::new(wire::GetAvailabilityResponse {
            property_id,
            free_nights: free_nights(dates, &occupancies),
            occupancies: occupancies.into_iter().map(convert::occupancy).collect(),
        }))
    }

    async fn block_property(
        &self,
        request: Request<wire::BlockPropertyRequest>,
    ) -> Result<Response<wire::BlockPropertyResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::BlockPropertyRequest { property_id, start_date, end_date, note } = request.into_inner();
        let block = Block {
            id: BlockId(Uuid::now_v7()),
            property: PropertyId::parse("property_id", &property_id)?,
            nights: Stay::parse_fields(("start_date", &start_date), ("end_date", &end_date))?,
            note: convert::text("note", note)?,
            active: true,
        };
        let at = Timestamp::now();
        let stored = self.store.run(async |schema| {
            if let Some(stored) = self.store.insert_block(&schema, call.tenant, &block, at).await? {
                return Ok(stored);
            }
            match self.store.get_property(&schema, call.tenant, block.property).await? {
                Some(_) => Err(Error::Overlap { stay: block.nights, of: OverlapOf::New }),
                None => Err(Error::PropertyNotFound),
            }
        });
        Ok(Response::new(wire::BlockPropertyResponse { block: Some(convert::block(stored.await?)) }))
    }

    async fn unblock_property(
        &self,
        request: Request<wire::UnblockPropertyRequest>,
    ) -> Result<Response<wire::UnblockPropertyResponse>, Status> {
        let call = Call::of(&request)?;
        let wire::UnblockPropertyRequest { property_id, block_id } = request.into_inner();
        let property = PropertyId::parse("property_id", &property_id)?;
        let id = BlockId::parse("block_id", &block_id)?;
        let ended = self.store.run(async |schema| {
            self.store.end_block(&schema, call.tenant, property, id).await.map_err(Error::from)
        });
        let block = Some(convert::block(ended.await?.ok_or(Error::BlockNotFound(id))?));
        Ok(Response::new(wire::UnblockPropertyResponse { block }))
    }
}

fn name_taken(fault: pg::Fault) -> Error {
    if fault.on_constraint("properties_name_key") { Error::NameTaken } else { fault.into() }
}

fn property_name(name: String) -> Result<String, Refusal> {
    let name = convert::text("name", name)?.trim().to_owned();
    let length = name.chars().count();
    if (1..=MAX_NAME).contains(&length) && !name.contains(['\n', '\r', '\t']) {
        Ok(name)
    } else {
        Err(Refusal::field("name", format!("takes 1 to {MAX_NAME} characters on one line")))
    }
}

fn known_zone(time_zone: String) -> Result<String, Refusal> {
    match TimeZone::get(&time_zone) {
        Ok(_) => Ok(time_zone),
        Err(_) => Err(Refusal::field("time_zone", "must be an IANA time zone such as Europe/Berlin")),
    }
}

fn within(field: &str, value: i32, most: i32) -> Result<i32, Refusal> {
    if (1..=most).contains(&value) {
        Ok(value)
    } else {
        Err(Refusal::field(field, format!("takes 1 to {most}")))
    }
}

fn free_nights(dates: Stay, occupancies: &[Occupancy]) -> Vec<String> {
    let mut nights = Vec::new();
    let mut night = dates.check_in;
    while night < dates.check_out {
        let taken = occupancies.iter().any(|one| {
            one.kind != OccupancyKind::Request && (one.stay.check_in..one.stay.check_out).contains(&night)
        });
        if !taken {
            nights.push(night.to_string());
        }
        match night.tomorrow() {
            Ok(next) => night = next,
            Err(_) => break,
        }
    }
    nights
}
