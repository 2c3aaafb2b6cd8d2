-- {requests} booking requests, 3 of 5 with a booking and its range, over nine tenants,
-- of which the first has half of them. Each property has 500, whose stays lie one
-- after the other from three years ago on, up to two months ahead; one property of the first tenant has had a booking
-- for each night since 2000, for 1 in 20 of all requests. Foreign keys are not
-- looked at meanwhile: `session_replication_role` is the caller's.
create function pg_temp.key(kind int, n bigint) returns uuid language sql immutable
as $$ select (lpad(to_hex(kind), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;

create temporary table asked as
select
    n,
    case when p % 2 = 0 then uuid '{tenant}' else pg_temp.key(1, p % 16) end as tenant_id,
    pg_temp.key(2, p) as property_id,
    pg_temp.key(3, n / 10) as guest_id,
    place,
    current_date - 1140 + (place / 5) * 12 + (array[0, 3, 6, 7, 9])[1 + place % 5] as check_in,
    current_date - 1140 + (place / 5) * 12 + (array[2, 5, 9, 10, 12])[1 + place % 5] as check_out,
    case
        when place % 5 < 3 then 'confirmed'
        when place % 5 = 3 then 'declined'
        when place % 5 = 4 and place >= 485 then 'requested'
        when place % 100 = 9 and p % 20 = 0 then 'under_review'
        when place % 100 = 14 then 'expired'
        else 'cancelled'
    end as status
from (
    -- A property's requests are spread over the table, as if they had come in by time.
    select n, n % ({requests} / 500) as p, (n / ({requests} / 500))::int as place
    from generate_series(0, {requests} - 1) n
) as places;

insert into properties (tenant_id, id, name, time_zone, max_guests, created_at, updated_at)
select distinct tenant_id, property_id, 'House ' || property_id, 'Europe/Berlin', 4, now(), now() from asked;
insert into properties (tenant_id, id, name, time_zone, max_guests, created_at, updated_at)
values ('{tenant}', pg_temp.key(2, 4095), 'Grand Hotel', 'Europe/Berlin', 4, now(), now());
-- A tenth as many properties as requests, and as many customers, most of whom nothing is
-- asked of.
insert into properties (tenant_id, id, name, time_zone, max_guests, created_at, updated_at)
select
    case when n % 2 = 0 then uuid '{tenant}' else pg_temp.key(1, n % 16) end, pg_temp.key(7, n), 'Room ' || n,
    'Europe/Berlin', 4, now(), now()
from generate_series(1, {requests} / 10) n;
-- With the keys that the table's trigger writes.
insert into customers (
    tenant_id, id, name, email, phone, external_id, source, created_at, name_key, last_name_key, email_key, phone_key
)
select
    tenant_id, guest_id, 'Guest G' || guest_id, 'guest@' || guest_id || '.example', '+49' || abs(hashtext(guest_id::text)),
    guest_id, 'pms', now(), 'guest g' || guest_id, 'g' || guest_id, 'guest@' || guest_id || '.example',
    '49' || abs(hashtext(guest_id::text))
from (
    select distinct tenant_id, guest_id from asked
    union all
    select case when n % 2 = 0 then uuid '{tenant}' else pg_temp.key(1, n % 16) end, pg_temp.key(8, n)
    from generate_series(1, {requests} * 9 / 10) n
) as guests;

insert into bookings (
    tenant_id, id, booking_request_id, property_id, guest_id, check_in, check_out, status, confirmed_at,
    created_at, updated_at
)
select
    tenant_id, pg_temp.key(4, n), pg_temp.key(5, n), property_id, guest_id, check_in, check_out,
    case when place % 5 = 2 and n % 997 = 0 then 'checked_in' when place < 470 then 'checked_out' else 'confirmed' end,
    least(check_in - interval '60 days', now()), now(), now()
from asked
where status = 'confirmed';
insert into bookings (
    tenant_id, id, property_id, check_in, check_out, status, created_at, updated_at
)
select
    '{tenant}', pg_temp.key(4, 16777216 + n), pg_temp.key(2, 4095), date '2000-01-01' + n, date '2000-01-02' + n,
    'checked_out', now(), now()
from generate_series(1, least({requests} / 20, 9000)) n;

insert into inventory_ranges (
    tenant_id, id, property_id, kind, source_id, start_date, end_date, state, created_at
)
select tenant_id, md5(id::text)::uuid, property_id, 'booking', id, check_in, check_out, 'active', created_at
from bookings
where id >= pg_temp.key(4, 0) and id <= pg_temp.key(4, 33554432);

insert into booking_requests (
    tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, decline_reason,
    approved_booking_id, confirmed_at, created_at, updated_at
)
select
    tenant_id, pg_temp.key(5, n), property_id, guest_id, check_in, check_out, status, 2,
    case when status = 'declined' then 'dates_taken' end,
    case when status = 'confirmed' then pg_temp.key(4, n) end,
    case when status = 'confirmed' then check_in - interval '60 days' end,
    least(check_in - interval '60 days', now()) - n % 86400 * interval '1 second', now()
from asked;

insert into booking_events (tenant_id, id, at, booking_request_id, property_id, action)
select tenant_id, md5(pg_temp.key(5, n)::text)::uuid, least(check_in - interval '60 days', now()), pg_temp.key(5, n), property_id, 'created'
from asked;
drop table asked;

-- Feeds of a thousand tenants. All but the last events of each have their number.
update booking_events e
set number = n.place
from (
    select
        tenant_id, id,
        row_number() over (partition by tenant_id order by tick) as place,
        count(*) over (partition by tenant_id) as events
    from booking_events
) n
where e.tenant_id = n.tenant_id and e.id = n.id and n.place <= n.events - 100;
insert into feed_heads (tenant_id, head)
select tenant_id, coalesce(max(number), 0) from booking_events group by tenant_id
union all
select md5('feed' || n)::uuid, 0 from generate_series(1, 999) n;

-- One in ten of the open ones holds its dates.
create temporary table holds as
select r.tenant_id, r.id, pg_temp.key(6, row_number() over ()) as held_id, r.property_id, r.check_in, r.check_out, r.guest_id
from booking_requests r
where r.status = 'requested'
  and r.id between pg_temp.key(5, 0) and pg_temp.key(6, 0)
  and get_byte(uuid_send(r.id), 15) % 10 = 0;
insert into bookings (
    tenant_id, id, booking_request_id, property_id, guest_id, check_in, check_out, status, created_at, updated_at
)
select tenant_id, held_id, id, property_id, guest_id, check_in, check_out, 'requested', now(), now() from holds;
update booking_requests r
set held_booking_id = h.held_id, hold_expires_at = now() + interval '1 day'
from holds h
where r.tenant_id = h.tenant_id and r.id = h.id;
drop table holds;

-- A house is closed for a week in ten, after all stays.
insert into inventory_ranges (
    tenant_id, id, property_id, kind, start_date, end_date, state, created_at
)
select
    p.tenant_id, md5(p.id::text || n)::uuid, p.id, 'block', current_date + 100 + n * 70, current_date + 107 + n * 70,
    'active', now()
from properties p
cross join generate_series(0, 4) n
where p.id < pg_temp.key(3, 0);

-- One in five hundred bookings has lost its range, and was found.
delete from inventory_ranges i
using bookings b
where b.tenant_id = i.tenant_id
  and b.id = i.source_id
  and b.status in ('confirmed', 'checked_in')
  and get_byte(uuid_send(b.id), 15) % 20 = 7;
insert into inconsistencies (tenant_id, kind_number, row_id, found_at)
select b.tenant_id, 6, b.id, now()
from bookings b
where b.status in ('confirmed', 'checked_in')
  and get_byte(uuid_send(b.id), 15) % 20 = 7
  and b.id < pg_temp.key(5, 0);

insert into booking_settings (tenant_id, auto_decline, updated_at)
select pg_temp.key(1, n), true, now() from generate_series(1, {requests} / 500) n;
insert into idempotency_keys (tenant_id, key, request_hash, answer, created_at)
select case when n % 2 = 0 then uuid '{tenant}' else pg_temp.key(1, n % 16) end, 'key-' || n, '', '', now()
from generate_series(1, {requests} / 10) n;
