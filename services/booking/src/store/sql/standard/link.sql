-- A booking that exists fulfils the request; it gets the inventory range that it
-- lacks, and a hold of the request ends.
with freed as (
    update bookings b
    set status = {status.cancelled}, row_version = {next_version.b}, updated_at = :at
    {hold_of_request}
    returning b.id
),
freed_ranges as (
    {free_ranges}
      and i.source_id in (select id from freed)
    returning i.id
),
linked as (
    update booking_requests r
    set
        status = case when :soft then r.status else {status.confirmed} end,
        confirmed_at = coalesce(r.confirmed_at, :at),
        approved_booking_id = :booking,
        held_booking_id = null,
        hold_expires_at = null,
        {decided}
    where r.tenant_id = :tenant
      and r.id = :id
    returning r.tenant_id, r.id, r.property_id, r.check_in, r.check_out
),
ranged as (
    {insert_range}
    from bookings b
    where b.tenant_id = :tenant
      and b.id = :booking
      and {has_no_range}
      -- After the hold's range has been freed, whose nights it may need.
      and (select count(*) from freed_ranges) >= 0
    returning id
),
settled as (
    select
        (select count(*) from freed) + (select count(*) from freed_ranges)
        + (select count(*) from linked) + (select count(*) from ranged) as writes
)
insert into booking_events ({nights}, {event_written})
select
    linked.check_in, linked.check_out, b.check_in, b.check_out,
    linked.tenant_id, :event, :at, linked.id, :booking, linked.property_id, {event.healed}, :evidence, {by}
from linked, settled, bookings b
where b.tenant_id = :tenant
  and b.id = :booking
returning booking_id
