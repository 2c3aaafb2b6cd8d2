-- Holds with an end, settings, idempotency keys, a feed of events without gaps,
-- and indexes for every order and filter of the lists. Suits the code before it:
-- new columns have defaults and no column goes.

alter table properties
    add column hold_policy text not null default 'none',
    add column hold_hours integer not null default 24,
    add column row_version bigint not null default 1,
    add column updated_at timestamptz not null default now(),
    add constraint properties_hold_policy_check check (hold_policy in ('none', 'hold')),
    add constraint properties_hold_hours_check check (hold_hours between 1 and 720);

alter table booking_requests
    -- The booking with status `requested` that holds the dates; null without a hold.
    add column held_booking_id uuid,
    add column hold_expires_at timestamptz,
    add constraint booking_requests_hold_fkey foreign key (tenant_id, held_booking_id)
        references bookings (tenant_id, id),
    add constraint booking_requests_hold_check check ((held_booking_id is null) = (hold_expires_at is null));

-- Lists walk one index per effective status and merge, so a rare status costs as
-- little as a common one. The expression is the one of the statements.
drop index booking_requests_created_idx;
drop index booking_requests_check_in_idx;
create index booking_requests_status_created_idx on booking_requests (
    tenant_id,
    (
        case
            when status in ('requested', 'under_review')
                and (confirmed_at is not null or approved_booking_id is not null)
                then 'confirmed'
            else status
        end
    ),
    created_at,
    id
);
create index booking_requests_status_check_in_idx on booking_requests (
    tenant_id,
    (
        case
            when status in ('requested', 'under_review')
                and (confirmed_at is not null or approved_booking_id is not null)
                then 'confirmed'
            else status
        end
    ),
    check_in,
    id
);
create index booking_requests_property_idx on booking_requests (tenant_id, property_id, created_at, id);
create index booking_requests_guest_idx on booking_requests (tenant_id, guest_id, created_at, id);
-- Who loses the fulfilment when a booking is cancelled.
create index booking_requests_booking_idx on booking_requests (tenant_id, approved_booking_id)
where approved_booking_id is not null;
-- Requests that compete for dates.
create index booking_requests_open_stay_idx on booking_requests
using gist (tenant_id, property_id, daterange(check_in, check_out))
where status in ('requested', 'under_review');
-- What the sweeper looks for, in all tenants.
create index booking_requests_hold_idx on booking_requests (hold_expires_at)
where held_booking_id is not null;

create index bookings_check_in_idx on bookings (tenant_id, check_in, id);
create index bookings_property_idx on bookings (tenant_id, property_id, check_in, id);
create index bookings_request_idx on bookings (tenant_id, booking_request_id)
where booking_request_id is not null;

-- Why a property is blocked.
alter table inventory_ranges add column note text not null default '';

-- The feed is read in the order of `position, at, id`, up to the number of the
-- oldest transaction that is still under way. A position is above the number of
-- its own transaction, so what is up to that point is complete: a reader misses
-- nothing and no writer waits for another. And it is above every transaction that
-- its statement could see, so an event never comes before one that led to it.
-- Events of bookings made elsewhere have no request, and in the single-table
-- layout there is no table of requests to refer to.
alter table booking_events
    alter column booking_request_id drop not null,
    drop constraint booking_events_request_fkey,
    add column position bigint not null default greatest(
        pg_current_xact_id()::text::bigint + 1,
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    ),
    add column property_id uuid,
    add column evidence text not null default '',
    add constraint booking_events_subject_check check (
        booking_request_id is not null or booking_id is not null
    );
create index booking_events_feed_idx on booking_events (tenant_id, position, at, id);

-- How a tenant wants booking requests to be treated; no row means the defaults.
create table booking_settings (
    tenant_id uuid not null,
    auto_decline boolean not null,
    updated_at timestamptz not null,
    constraint booking_settings_pkey primary key (tenant_id)
);

-- Answers of calls that came with an idempotency key, for 24 hours.
create table idempotency_keys (
    tenant_id uuid not null,
    key text not null,
    -- SHA-256 of the method and the request.
    request_hash bytea not null,
    -- The answer in wire format; null only inside the transaction that makes it.
    answer bytea,
    created_at timestamptz not null,
    constraint idempotency_keys_pkey primary key (tenant_id, key)
);
create index idempotency_keys_created_idx on idempotency_keys (created_at);

do $$
declare
    table_name text;
begin
    foreach table_name in array array['booking_settings', 'idempotency_keys']
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

grant select, insert, update on booking_settings, idempotency_keys to frontdesk_booking;

-- The sweeper finds what has run out in all tenants: it sees which requests hold
-- dates until when, nothing else of them, and removes old idempotency keys. The
-- service switches to this role for these two statements only, and its own role
-- inherits none of it.
do $$
begin
    create role frontdesk_booking_sweeper nologin;
exception
    when duplicate_object or unique_violation then null;
end
$$;
alter role frontdesk_booking noinherit;
grant frontdesk_booking_sweeper to frontdesk_booking;

grant select (tenant_id, id, held_booking_id, hold_expires_at) on booking_requests
to frontdesk_booking_sweeper;
create policy sweeper_sees_holds on booking_requests for select to frontdesk_booking_sweeper
using (held_booking_id is not null);

grant select (created_at), delete on idempotency_keys to frontdesk_booking_sweeper;
create policy sweeper_sees_old_keys on idempotency_keys for select to frontdesk_booking_sweeper
using (created_at < now() - interval '24 hours');
create policy sweeper_removes_old_keys on idempotency_keys for delete to frontdesk_booking_sweeper
using (created_at < now() - interval '24 hours');
