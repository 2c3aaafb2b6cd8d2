-- Beside those of fill.sql: a property and a guest of the first tenant that have more
-- requests and bookings than a list looks at, and a thousand tenants with three requests
-- each. One of these has rows under ids that statements are run with.
insert into properties (tenant_id, id, name, time_zone, max_guests, created_at, updated_at)
values ('{tenant}', pg_temp.key(2, 4094), 'Hostel', 'Europe/Berlin', 4, now(), now());
insert into customers (tenant_id, id, name, email, phone, created_at, name_key)
values ('{tenant}', pg_temp.key(3, 1048575), 'Agency', '', '', now(), 'agency');
insert into booking_requests (
    tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, created_at, updated_at
)
select
    '{tenant}', pg_temp.key(10, n), pg_temp.key(2, 4094), pg_temp.key(3, 1048575), current_date - 1000 + n % 1100,
    current_date - 998 + n % 1100, 'cancelled', 2, now() - (1100 - n % 1100) * interval '1 day', now()
from generate_series(1, 3000) n;
insert into bookings (
    tenant_id, id, property_id, guest_id, check_in, check_out, status, created_at, updated_at
)
select
    '{tenant}', pg_temp.key(11, n), pg_temp.key(2, 4094), pg_temp.key(3, 1048575), current_date - 1000 + n % 1100,
    current_date - 998 + n % 1100, 'cancelled', now(), now()
from generate_series(1, 3000) n;

create temporary table small as
select
    case when n = 1 then uuid '{small}' else pg_temp.key(12, n) end as tenant_id,
    case when n = 1 then pg_temp.key(34, 4095) else pg_temp.key(13, n) end as property_id,
    case when n = 1 then pg_temp.key(35, 1996) else pg_temp.key(14, n) end as guest_id,
    case when n = 1 and place = 1 then pg_temp.key(37, 19960) else pg_temp.key(15, n * 4 + place) end as request_id,
    case when n = 1 and place = 2 then pg_temp.key(36, 0) else pg_temp.key(16, n * 4 + place) end as booking_id,
    case place when 1 then 'requested' when 2 then 'confirmed' else 'cancelled' end as status,
    place,
    current_date + n % 60 + place * 7 as check_in
from generate_series(1, 1000) n
cross join generate_series(1, 3) place;
insert into properties (tenant_id, id, name, time_zone, max_guests, created_at, updated_at)
select tenant_id, property_id, 'House', 'Europe/Berlin', 4, now(), now() from small where place = 1;
insert into customers (tenant_id, id, name, email, phone, created_at, name_key)
select tenant_id, guest_id, 'Guest', '', '', now(), 'guest' from small where place = 1;
insert into bookings (
    tenant_id, id, booking_request_id, property_id, guest_id, check_in, check_out, status, confirmed_at,
    created_at, updated_at
)
select
    tenant_id, booking_id, request_id, property_id, guest_id, check_in, check_in + 3, status, now(), now(), now()
from small
where status = 'confirmed';
insert into inventory_ranges (
    tenant_id, id, property_id, kind, source_id, start_date, end_date, state, created_at
)
select tenant_id, md5(tenant_id::text || id)::uuid, property_id, 'booking', id, check_in, check_out, 'active', now()
from bookings
where tenant_id in (select tenant_id from small);
insert into booking_requests (
    tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, approved_booking_id,
    confirmed_at, created_at, updated_at
)
select
    tenant_id, request_id, property_id, guest_id, check_in, check_in + 3, status, 2,
    case when status = 'confirmed' then booking_id end, case when status = 'confirmed' then now() end,
    now() - place * interval '1 day', now()
from small;
insert into booking_events (tenant_id, id, at, booking_request_id, property_id, action)
select tenant_id, md5(tenant_id::text || request_id)::uuid, now(), request_id, property_id, 'created' from small;
insert into feed_heads (tenant_id, head) select distinct tenant_id, 0 from small;
drop table small;
