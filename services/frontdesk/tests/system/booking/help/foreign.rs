//! Rows that other programs write, for the tests beside.

use frontdesk::demo;
use uuid::{Uuid, uuid};

use crate::fixture::{Fixture, LAKE_HOUSE};

pub const CHALET: Uuid = uuid!("0d000000-0000-7000-8000-000000000201");
/// Two guests of the tests.
pub const GUEST: u32 = 1;
pub const STRANGER: u32 = 2;

/// A booking that another program stores.
#[derive(Debug, Clone, Copy)]
pub struct Foreign {
    pub guest: u32,
    pub property: Uuid,
    pub nights: (i32, i32),
    pub status: &'static str,
    /// Whether it has an active inventory range.
    pub ranged: bool,
}

impl Foreign {
    /// Sold, at the lake house, with its range.
    pub fn sold(guest: u32, from: i32, to: i32) -> Self {
        Self { guest, property: LAKE_HOUSE, nights: (from, to), status: "confirmed", ranged: true }
    }

    /// `None` when the constraint does not let it exist.
    pub async fn store(self, fixture: &Fixture) -> Option<Uuid> {
        let Self { guest, property, nights: (from, to), status, ranged } = self;
        let (id, guest) = (Uuid::now_v7(), Uuid::from_u128(u128::from(guest)));
        let customer = "insert into customers (tenant_id, id, name, email, phone, created_at) \
            values ($1, $2, 'Test Guest', '', '', now()) on conflict do nothing";
        fixture.execute(customer, &[&demo::TENANT, &guest]).await;
        let booking = "insert into bookings (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
            confirmed_at, created_at, updated_at) values ($1, $2, $3, $4, current_date + $5::integer, \
            current_date + $6::integer, $7, now(), now(), now()) on conflict do nothing";
        let stored =
            fixture.execute(booking, &[&demo::TENANT, &id, &property, &guest, &from, &to, &status]).await;
        if ranged && stored == 1 {
            range(fixture, property, Some(id), from, to).await;
        }
        (stored == 1).then_some(id)
    }
}

/// An active range: a block if nobody is its source.
pub async fn range(fixture: &Fixture, property: Uuid, source: Option<Uuid>, from: i32, to: i32) -> bool {
    let insert = "insert into inventory_ranges (tenant_id, id, property_id, kind, source_id, start_date, \
        end_date, state, created_at) values ($1, $2, $3, case when $4::uuid is null then 'block' else 'booking' end, \
        $4, current_date + $5::integer, current_date + $6::integer, 'active', now()) on conflict do nothing";
    fixture.execute(insert, &[&demo::TENANT, &Uuid::now_v7(), &property, &source, &from, &to]).await == 1
}

pub async fn mark(fixture: &Fixture, id: Uuid) {
    let set = format!("update {} set confirmed_at = now() where id = $1", fixture.layout.requests());
    assert_eq!(fixture.execute(&set, &[&id]).await, 1);
}

pub async fn link(fixture: &Fixture, id: Uuid, booking: Uuid) {
    let set = format!("update {} set approved_booking_id = $2 where id = $1", fixture.layout.requests());
    assert_eq!(fixture.execute(&set, &[&id, &booking]).await, 1);
}
