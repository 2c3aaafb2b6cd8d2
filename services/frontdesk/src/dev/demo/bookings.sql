-- What the demo's tenants let, to whom, and one booking request per case. Dates
-- count from the day of the first start, where the houses are. Rows that are there stay
-- as they are.

begin;
set local time zone 'Europe/Berlin';
set local app.tenant = '0d000000-0000-7000-8000-00000000000b';

insert into properties (tenant_id, id, name, time_zone, max_guests, created_at)
values (
    '0d000000-0000-7000-8000-00000000000b', '0d000000-0000-7000-8000-000000000211',
    'Harbour Loft', 'Europe/Berlin', 2, now()
)
on conflict do nothing;

insert into customers (tenant_id, id, name, email, phone, created_at)
values (
    '0d000000-0000-7000-8000-00000000000b', '0d000000-0000-7000-8000-000000000311',
    'Henry Hansen', 'henry@guests.example', '+49 40 555 0111', now()
)
on conflict do nothing;

insert into booking_requests (
    tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, created_at, updated_at
)
values (
    '0d000000-0000-7000-8000-00000000000b', '0d000000-0000-7000-8000-000000000511',
    '0d000000-0000-7000-8000-000000000211', '0d000000-0000-7000-8000-000000000311',
    current_date + 30, current_date + 34, 'requested', 2, now(), now()
)
on conflict do nothing;

set local app.tenant = '0d000000-0000-7000-8000-00000000000a';

insert into properties (tenant_id, id, name, time_zone, max_guests, created_at)
select '0d000000-0000-7000-8000-00000000000a', id::uuid, name, 'Europe/Berlin', max_guests, now()
from (
    values
        ('0d000000-0000-7000-8000-000000000201', 'Alpine Chalet', 6),
        ('0d000000-0000-7000-8000-000000000202', 'Lake House', 4),
        ('0d000000-0000-7000-8000-000000000203', 'Meadow Cabin', 2)
) as demo (id, name, max_guests)
on conflict do nothing;

insert into customers (tenant_id, id, name, email, phone, created_at)
select '0d000000-0000-7000-8000-00000000000a', id::uuid, name, email, phone, now()
from (
    values
        ('0d000000-0000-7000-8000-000000000301', 'Anna Adler', 'anna@guests.example', '+49 89 555 0101'),
        ('0d000000-0000-7000-8000-000000000302', 'Bruno Bauer', 'bruno@guests.example', '+49 89 555 0102'),
        ('0d000000-0000-7000-8000-000000000303', 'Clara Conrad', 'clara@guests.example', '')
) as demo (id, name, email, phone)
on conflict do nothing;

-- Bookings that exist beside the requests: for CONFIRMED, APPROVED_BOOKING,
-- RELATED_BOOKING, OVERLAP_SAME_GUEST and OVERLAP_OTHER_GUEST.
insert into bookings (
    tenant_id, id, booking_request_id, property_id, guest_id, check_in, check_out,
    status, confirmed_at, created_at, updated_at
)
select
    '0d000000-0000-7000-8000-00000000000a', id::uuid, request::uuid,
    '0d000000-0000-7000-8000-000000000201', guest::uuid,
    current_date + from_day, current_date + to_day, 'confirmed', now(), now(), now()
from (
    values
        (
            '0d000000-0000-7000-8000-000000000405', '0d000000-0000-7000-8000-000000000505',
            '0d000000-0000-7000-8000-000000000301', 70, 75
        ),
        (
            '0d000000-0000-7000-8000-000000000407', '0d000000-0000-7000-8000-000000000507',
            '0d000000-0000-7000-8000-000000000301', 90, 93
        ),
        ('0d000000-0000-7000-8000-000000000409', null, '0d000000-0000-7000-8000-000000000301', 110, 113),
        ('0d000000-0000-7000-8000-00000000040a', null, '0d000000-0000-7000-8000-000000000301', 122, 128),
        ('0d000000-0000-7000-8000-00000000040b', null, '0d000000-0000-7000-8000-000000000303', 132, 136)
) as demo (id, request, guest, from_day, to_day)
-- Without a target it also covers no_double_bookings.
on conflict do nothing;

insert into booking_requests (
    tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, message,
    decline_reason, approved_booking_id, confirmed_at, created_at, updated_at
)
select
    '0d000000-0000-7000-8000-00000000000a', id::uuid,
    '0d000000-0000-7000-8000-000000000201', guest::uuid,
    current_date + from_day, current_date + to_day, status, 2, message,
    decline_reason, booking::uuid, case when confirmed then now() end, now(), now()
from (
    values
        -- REQUESTED
        (
            '0d000000-0000-7000-8000-000000000501', '0d000000-0000-7000-8000-000000000301',
            30, 34, 'requested', 'We arrive late in the evening.', null, null, false
        ),
        -- UNDER_REVIEW
        (
            '0d000000-0000-7000-8000-000000000502', '0d000000-0000-7000-8000-000000000302',
            40, 43, 'under_review', '', null, null, false
        ),
        -- DECLINED
        (
            '0d000000-0000-7000-8000-000000000503', '0d000000-0000-7000-8000-000000000302',
            50, 52, 'declined', '', 'Renovation in these weeks', null, false
        ),
        -- CANCELLED
        (
            '0d000000-0000-7000-8000-000000000504', '0d000000-0000-7000-8000-000000000303',
            60, 62, 'cancelled', '', null, null, false
        ),
        -- CONFIRMED
        (
            '0d000000-0000-7000-8000-000000000505', '0d000000-0000-7000-8000-000000000301',
            70, 75, 'confirmed', '', null, '0d000000-0000-7000-8000-000000000405', true
        ),
        -- CONFIRMED_AT_SET: confirmed once, but the status was left behind
        (
            '0d000000-0000-7000-8000-000000000506', '0d000000-0000-7000-8000-000000000301',
            80, 83, 'requested', '', null, null, true
        ),
        -- APPROVED_BOOKING: linked to its booking, but the status was left behind
        (
            '0d000000-0000-7000-8000-000000000507', '0d000000-0000-7000-8000-000000000301',
            90, 93, 'requested', '', null, '0d000000-0000-7000-8000-000000000407', false
        ),
        -- INVENTORY_ACTIVE: an inventory range is all there is of the approval
        (
            '0d000000-0000-7000-8000-000000000508', '0d000000-0000-7000-8000-000000000301',
            100, 103, 'requested', '', null, null, false
        ),
        -- RELATED_BOOKING: a channel brought the same booking
        (
            '0d000000-0000-7000-8000-000000000509', '0d000000-0000-7000-8000-000000000301',
            110, 113, 'requested', '', null, null, false
        ),
        -- OVERLAP_SAME_GUEST: another booking of this guest has some of the nights
        (
            '0d000000-0000-7000-8000-00000000050a', '0d000000-0000-7000-8000-000000000301',
            120, 126, 'requested', '', null, null, false
        ),
        -- OVERLAP_OTHER_GUEST: somebody else has some of the nights
        (
            '0d000000-0000-7000-8000-00000000050b', '0d000000-0000-7000-8000-000000000302',
            130, 134, 'requested', '', null, null, false
        )
) as demo (id, guest, from_day, to_day, status, message, decline_reason, booking, confirmed)
on conflict do nothing;

insert into inventory_ranges (
    tenant_id, id, property_id, kind, source_id, start_date, end_date, state, created_at
)
select
    '0d000000-0000-7000-8000-00000000000a', id::uuid,
    '0d000000-0000-7000-8000-000000000201', 'booking', source::uuid,
    current_date + from_day, current_date + to_day, 'active', now()
from (
    values
        ('0d000000-0000-7000-8000-000000000605', '0d000000-0000-7000-8000-000000000405', 70, 75),
        ('0d000000-0000-7000-8000-000000000607', '0d000000-0000-7000-8000-000000000407', 90, 93),
        ('0d000000-0000-7000-8000-000000000608', '0d000000-0000-7000-8000-000000000508', 100, 103),
        ('0d000000-0000-7000-8000-000000000609', '0d000000-0000-7000-8000-000000000409', 110, 113),
        ('0d000000-0000-7000-8000-00000000060a', '0d000000-0000-7000-8000-00000000040a', 122, 128),
        ('0d000000-0000-7000-8000-00000000060b', '0d000000-0000-7000-8000-00000000040b', 132, 136)
) as demo (id, source, from_day, to_day)
on conflict do nothing;

commit;
