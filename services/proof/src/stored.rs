//! How a world is stored, and read back as lines, in each layout.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use booking::deciding::Status;
use uuid::Uuid;

use crate::calls::NEW_GUEST;
use crate::people;
use crate::world::{Booking, Layout, PROPERTY, Range, Request, World, day, guest};

/// The lines of a tenant that are the same in each layout, as [`World::lines`] gives them.
const LINES: &str = "\
    select 'settings|' || coalesce((select auto_decline from booking_settings where tenant_id = $1), false)::text \
    union all \
    select concat_ws('|', 'property', hold_policy) from properties where tenant_id = $1 \
    union all \
    select concat_ws('|', 'customer', id, name, (archived_at is not null)::text, coalesce(merged_into::text, '')) \
    from customers where tenant_id = $1 and archived_at is not null \
    union all \
    select case when kind = 'block' then concat_ws('|', 'block', id, start_date, end_date, (state = 'active')::text) \
        else concat_ws('|', 'range', source_id, start_date, end_date) end \
    from inventory_ranges where tenant_id = $1 and (kind = 'block' or state = 'active') \
    union all \
    select concat_ws('|', 'event', to_char(row_number() over (order by tick, id), 'FM00'), action, \
        coalesce(booking_request_id::text, ''), coalesce(booking_id::text, ''), coalesce(block_id::text, ''), evidence) \
    from booking_events where tenant_id = $1 \
    union all \
    select concat_ws('|', 'key', key, (answer is not null)::text) from idempotency_keys where tenant_id = $1 \
    union all ";
const TWO_TABLES: &str = "\
    select concat_ws('|', 'request', id, guest_id, check_in, check_out, status, coalesce(approved_booking_id::text, ''), \
        coalesce(held_booking_id::text, ''), (confirmed_at is not null)::text) \
    from booking_requests where tenant_id = $1 \
    union all \
    select concat_ws('|', 'booking', id, coalesce(booking_request_id::text, ''), coalesce(guest_id::text, ''), check_in, \
        check_out, status) from bookings where tenant_id = $1";
/// A row is shown as a request until it is a booking.
const ONE_TABLE: &str = "\
    select case when status in ('requested', 'under_review', 'declined') \
        then concat_ws('|', 'request', id, guest_id, check_in, check_out, status, \
            coalesce(approved_booking_id::text, ''), '', (confirmed_at is not null)::text) \
        else concat_ws('|', 'booking', id, coalesce(approved_booking_id::text, ''), coalesce(guest_id::text, ''), \
            check_in, check_out, status) end \
    from bookings where tenant_id = $1";

impl Layout {
    /// What makes it of a database that was migrated.
    pub fn scripts(self) -> Vec<&'static str> {
        let predicate = match self {
            Self::Standard | Self::Identity => return Vec::new(),
            Self::Single => include_str!("../../booking/tests/fixtures/predicate_confirmed_only.sql"),
            Self::Literal => include_str!("../../booking/tests/fixtures/predicate_literal.sql"),
        };
        vec![predicate, include_str!("../../booking/tests/fixtures/single_table.sql")]
    }

    /// The statement that gives the lines of a tenant.
    pub fn lines(self) -> String {
        match self {
            Self::Standard => [LINES, TWO_TABLES].concat(),
            Self::Single | Self::Literal => [LINES, ONE_TABLE].concat(),
            Self::Identity => people::LINES.to_owned(),
        }
    }

    /// The tables that calls write.
    pub fn tables(self) -> Vec<&'static str> {
        let all = [
            "properties",
            "customers",
            "bookings",
            "inventory_ranges",
            "booking_events",
            "booking_settings",
            "idempotency_keys",
        ];
        if self == Self::Identity {
            return vec!["identity.sessions", "identity.audit_events"];
        }
        let own = (self == Self::Standard).then_some("booking_requests");
        all.into_iter().chain(own).collect()
    }
}

impl World {
    /// What stores it as that of a tenant.
    pub fn sql(&self, tenant: Uuid) -> String {
        let policy = if self.holds { "hold" } else { "none" };
        let of_rows = self.requests.iter().map(|one| Some(one.guest));
        let of_rows = of_rows.chain(self.bookings.iter().map(|one| one.guest));
        let used: BTreeSet<Uuid> = of_rows.flatten().chain([guest(NEW_GUEST)]).collect();
        let guests: Vec<String> =
            used.iter().map(|id| format!("('{tenant}', '{id}', 'Guest', '', '', now())")).collect();
        let mut sql = format!(
            "insert into properties (tenant_id, id, name, max_guests, time_zone, hold_policy, created_at) \
             values ('{tenant}', '{PROPERTY}', 'House', 4, 'UTC', '{policy}', now() - interval '1 day'); \
             insert into customers (tenant_id, id, name, email, phone, created_at) values {};",
            guests.join(", ")
        );
        if self.auto_decline {
            let _ = write!(
                sql,
                "insert into booking_settings (tenant_id, auto_decline, updated_at) values ('{tenant}', true, now());"
            );
        }
        for (n, one) in self.bookings.iter().enumerate() {
            sql.push_str(&one.sql(tenant, n, self.layout));
        }
        for one in &self.requests {
            sql.push_str(&if self.layout == Layout::Standard {
                one.sql(tenant)
            } else {
                one.row_sql(tenant)
            });
        }
        for Range { id, source, nights, active } in &self.ranges {
            let kind = if source.is_some() { "booking" } else { "block" };
            let state = if *active { "active" } else { "cancelled" };
            let _ = write!(
                sql,
                "insert into inventory_ranges (tenant_id, id, property_id, kind, source_id, start_date, end_date, state, \
                 created_at) values ('{tenant}', '{id}', '{PROPERTY}', '{kind}', {}, '{}', '{}', '{state}', now());",
                quoted(*source),
                day(nights.0),
                day(nights.1)
            );
        }
        sql
    }
}

impl Booking {
    fn sql(&self, tenant: Uuid, n: usize, layout: Layout) -> String {
        let Self { id, request, guest, nights, status } = self;
        let (guest, status) = (quoted(*guest), status.name());
        let (column, request) = match layout {
            Layout::Standard => ("booking_request_id, ", format!("{}, ", quoted(*request))),
            Layout::Single | Layout::Literal | Layout::Identity => ("", String::new()),
        };
        let confirmed = if status == "requested" { "null" } else { "now() - interval '1 hour'" };
        format!(
            "insert into bookings (tenant_id, id, {column}property_id, guest_id, check_in, check_out, \
             status, confirmed_at, created_at, updated_at) values ('{tenant}', '{id}', {request}'{PROPERTY}', \
             {guest}, '{}', '{}', '{status}', {confirmed}, now() - interval '{n} minutes', now() - interval '1 hour');",
            day(nights.0),
            day(nights.1)
        )
    }
}

impl Request {
    fn sql(&self, tenant: Uuid) -> String {
        let Self { id, guest, nights, status, approved, held, is_due, .. } = self;
        let until = match held {
            Some(_) if *is_due => "now() - interval '1 minute'",
            Some(_) => "now() + interval '1 day'",
            None => "null",
        };
        format!(
            "insert into booking_requests (tenant_id, id, property_id, guest_id, check_in, check_out, status, \
             guest_count, approved_booking_id, held_booking_id, hold_expires_at, confirmed_at, decline_reason, \
             created_at, updated_at) values ('{tenant}', '{id}', '{PROPERTY}', '{guest}', '{}', '{}', '{}', 1, {}, {}, \
             {until}, {}, {}, now() - interval '2 hours', now() - interval '1 hour');",
            day(nights.0),
            day(nights.1),
            status.name(),
            quoted(*approved),
            quoted(*held),
            self.confirmed_at(),
            self.reason()
        )
    }

    /// As a row of bookings.
    fn row_sql(&self, tenant: Uuid) -> String {
        let Self { id, guest, nights, status, approved, .. } = self;
        format!(
            "insert into bookings (tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, \
             approved_booking_id, confirmed_at, decline_reason, created_at, updated_at) values ('{tenant}', '{id}', \
             '{PROPERTY}', '{guest}', '{}', '{}', '{}', 1, {}, {}, {}, now() - interval '2 hours', now() - interval '1 hour');",
            day(nights.0),
            day(nights.1),
            status.name(),
            quoted(*approved),
            self.confirmed_at(),
            self.reason()
        )
    }

    fn confirmed_at(&self) -> &'static str {
        if self.confirmed { "now() - interval '1 hour'" } else { "null" }
    }

    fn reason(&self) -> &'static str {
        if self.status == Status::Declined { "'full'" } else { "null" }
    }
}

fn quoted(id: Option<Uuid>) -> String {
    id.map_or_else(|| "null".to_owned(), |id| format!("'{id}'"))
}
