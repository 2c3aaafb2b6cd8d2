-- Fixture: turns a migrated database into the legacy layout, in which a booking
-- request is a row of `bookings` until it is approved and stays that row
-- afterwards. Run it as the schema's owner, after one of the predicates. Requests
-- that the constraint does not allow beside what is there are left out: such a
-- database could never hold them.
begin;

alter table bookings
    add column guest_count integer not null default 1,
    add column message text not null default '',
    add column internal_notes text not null default '',
    add column decline_reason text,
    add column approved_booking_id uuid;

create temporary table own_rows on commit drop as
select r.tenant_id, r.id as request_id, b.id as booking_id
from booking_requests r
join bookings b
    on b.tenant_id = r.tenant_id
    and (b.id = r.held_booking_id or (b.id = r.approved_booking_id and b.booking_request_id = r.id))
where r.status in ('requested', 'under_review') and b.id = r.held_booking_id
    or r.status = 'confirmed' and b.id = r.approved_booking_id;

alter table booking_requests
    drop constraint booking_requests_booking_fkey,
    drop constraint booking_requests_hold_fkey;

-- A booking made of a request becomes the request's own row.
update bookings b
set
    id = r.id,
    status = case when r.status = 'confirmed' then b.status else r.status end,
    guest_count = r.guest_count,
    message = r.message,
    internal_notes = r.internal_note,
    approved_by = r.decided_by,
    created_at = r.created_at
from own_rows o
join booking_requests r on r.tenant_id = o.tenant_id and r.id = o.request_id
where b.tenant_id = o.tenant_id
  and b.id = o.booking_id;

update inventory_ranges i
set source_id = o.request_id
from own_rows o
where i.tenant_id = o.tenant_id
  and i.source_id = o.booking_id;

insert into bookings (
    tenant_id, id, property_id, guest_id, check_in, check_out, status, confirmed_at, approved_by,
    row_version, created_at, updated_at, guest_count, message, internal_notes, decline_reason,
    approved_booking_id
)
select
    r.tenant_id, r.id, r.property_id, r.guest_id, r.check_in, r.check_out,
    case when r.status = 'expired' then 'declined' else r.status end,
    r.confirmed_at, r.decided_by, r.row_version, r.created_at, r.updated_at, r.guest_count, r.message,
    r.internal_note,
    case when r.status = 'expired' then 'expired' else r.decline_reason end,
    coalesce(o.request_id, r.approved_booking_id)
from booking_requests r
left join own_rows o on o.tenant_id = r.tenant_id and o.booking_id = r.approved_booking_id
where not exists (
    select from own_rows own
    where own.tenant_id = r.tenant_id
      and own.request_id = r.id
)
on conflict do nothing;

alter table bookings drop column booking_request_id;
drop table booking_requests;

create index bookings_created_idx on bookings (tenant_id, created_at, id);
create index bookings_approved_booking_idx on bookings (tenant_id, approved_booking_id)
where approved_booking_id is not null;

commit;
