-- Booking's tables, in the standard layout: what guests ask for is in
-- `booking_requests`, what is let is in `bookings`.
--
-- `tenant_id` comes first in every primary key, unique constraint and exclusion
-- constraint, so that the tables can be distributed by tenant. Row-level
-- security is forced: a transaction sees the tenant in `app.tenant` and, when
-- that is not set, nothing.

create extension if not exists btree_gist;

-- The role that the booking service runs as. It owns nothing and has no DDL
-- rights. Roles belong to the server, so another database may have made it.
do $$
begin
    create role frontdesk_booking nologin;
exception
    when duplicate_object or unique_violation then null;
end
$$;
do $$
begin
    if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant frontdesk_booking to %I', current_user);
    end if;
end
$$;

create table properties (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    time_zone text not null,
    max_guests integer not null,
    created_at timestamptz not null,
    constraint properties_pkey primary key (tenant_id, id),
    constraint properties_name_key unique (tenant_id, name),
    constraint properties_max_guests_check check (max_guests > 0)
);

create table customers (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    email text not null,
    phone text not null,
    created_at timestamptz not null,
    constraint customers_pkey primary key (tenant_id, id)
);
create index customers_name_idx on customers (tenant_id, name, id);

create table bookings (
    tenant_id uuid not null,
    id uuid not null,
    -- The request it came from; null for bookings made elsewhere.
    booking_request_id uuid,
    property_id uuid not null,
    -- Null for bookings whose guest is unknown, as some channels send them.
    guest_id uuid,
    check_in date not null,
    check_out date not null,
    status text not null,
    confirmed_at timestamptz,
    approved_by uuid,
    row_version bigint not null default 1,
    deleted_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint bookings_pkey primary key (tenant_id, id),
    constraint bookings_property_fkey foreign key (tenant_id, property_id) references properties (tenant_id, id),
    constraint bookings_guest_fkey foreign key (tenant_id, guest_id) references customers (tenant_id, id),
    constraint bookings_stay_check check (check_out > check_in and isfinite(check_in) and isfinite(check_out)),
    constraint bookings_status_check check (
        status in (
            'inquiry', 'pending', 'requested', 'under_review', 'confirmed',
            'checked_in', 'checked_out', 'cancelled', 'declined', 'no_show'
        )
    ),
    -- A deleted row must not hold dates.
    constraint bookings_deleted_check check (
        deleted_at is null or status in ('cancelled', 'declined', 'no_show')
    ),
    -- One guest at a time. Days of departure are free for arrivals.
    constraint no_double_bookings exclude using gist (
        tenant_id with =,
        property_id with =,
        daterange(check_in, check_out) with &&
    ) where (status not in ('cancelled', 'declined', 'no_show'))
);
create index bookings_guest_idx on bookings (tenant_id, guest_id, property_id, check_in);

create table booking_requests (
    tenant_id uuid not null,
    id uuid not null,
    property_id uuid not null,
    guest_id uuid not null,
    check_in date not null,
    check_out date not null,
    status text not null,
    guest_count integer not null,
    message text not null default '',
    internal_note text not null default '',
    decline_reason text,
    -- The booking that fulfils the request.
    approved_booking_id uuid,
    confirmed_at timestamptz,
    decided_by uuid,
    row_version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint booking_requests_pkey primary key (tenant_id, id),
    constraint booking_requests_property_fkey foreign key (tenant_id, property_id)
        references properties (tenant_id, id),
    constraint booking_requests_guest_fkey foreign key (tenant_id, guest_id)
        references customers (tenant_id, id),
    constraint booking_requests_booking_fkey foreign key (tenant_id, approved_booking_id)
        references bookings (tenant_id, id),
    constraint booking_requests_stay_check check (
        check_out > check_in and isfinite(check_in) and isfinite(check_out)
    ),
    constraint booking_requests_status_check check (
        status in ('requested', 'under_review', 'confirmed', 'declined', 'cancelled', 'expired')
    ),
    constraint booking_requests_guest_count_check check (guest_count > 0),
    constraint booking_requests_decline_reason_check check (
        status <> 'declined' or btrim(coalesce(decline_reason, '')) <> ''
    )
);
create index booking_requests_created_idx on booking_requests (tenant_id, created_at, id);
create index booking_requests_check_in_idx on booking_requests (tenant_id, check_in, id);

-- What keeps a property from being let: bookings and blocks.
create table inventory_ranges (
    tenant_id uuid not null,
    id uuid not null,
    property_id uuid not null,
    kind text not null,
    -- The booking, or the request, that the range belongs to; null for blocks.
    source_id uuid,
    start_date date not null,
    end_date date not null,
    state text not null,
    created_at timestamptz not null,
    constraint inventory_ranges_pkey primary key (tenant_id, id),
    constraint inventory_ranges_property_fkey foreign key (tenant_id, property_id)
        references properties (tenant_id, id),
    constraint inventory_ranges_dates_check check (
        end_date > start_date and isfinite(start_date) and isfinite(end_date)
    ),
    constraint inventory_ranges_kind_check check (kind in ('booking', 'block')),
    constraint inventory_ranges_state_check check (state in ('active', 'cancelled')),
    constraint inventory_ranges_no_overlap exclude using gist (
        tenant_id with =,
        property_id with =,
        daterange(start_date, end_date) with &&
    ) where (state = 'active')
);
create index inventory_ranges_source_idx on inventory_ranges (tenant_id, source_id);

-- What happened to booking requests, in order of `at, id`.
create table booking_events (
    tenant_id uuid not null,
    id uuid not null,
    at timestamptz not null,
    booking_request_id uuid not null,
    booking_id uuid,
    action text not null,
    -- The user who did it; null for the system and for API keys.
    actor uuid,
    constraint booking_events_pkey primary key (tenant_id, id),
    constraint booking_events_request_fkey foreign key (tenant_id, booking_request_id)
        references booking_requests (tenant_id, id)
);
create index booking_events_request_idx on booking_events (tenant_id, booking_request_id, at, id);

do $$
declare
    table_name text;
begin
    foreach table_name in array array[
        'properties', 'customers', 'bookings', 'booking_requests', 'inventory_ranges', 'booking_events'
    ]
    loop
        execute format('alter table %I enable row level security', table_name);
        execute format('alter table %I force row level security', table_name);
        execute format(
            'create policy tenant_only on %I '
            'using (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid) '
            'with check (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid)',
            table_name
        );
    end loop;
end
$$;

grant select, insert, update on properties, customers, bookings, booking_requests, inventory_ranges
to frontdesk_booking;
grant select, insert on booking_events to frontdesk_booking;
-- The service compares the history with its own list to know whether it fits.
grant select on public.frontdesk_booking_migrations to frontdesk_booking;
