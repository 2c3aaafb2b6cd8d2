-- Another row fulfils the request; it gets the inventory range that it lacks. The
-- request's status stays, since the constraint refuses a second confirmed row.
with linked as (
    update bookings r
    set
        confirmed_at = coalesce(r.confirmed_at, :at),
        approved_booking_id = :booking,
        {decided}
    where r.tenant_id = :tenant
      and r.id = :id
      and {open}
    returning r.tenant_id, r.id, r.property_id, r.check_in, r.check_out
),
ranged as (
    {insert_range}
    from bookings b
    where b.tenant_id = :tenant
      and b.id = :booking
      and {has_no_range}
    returning id
),
settled as (
    select (select count(*) from linked) + (select count(*) from ranged) as writes
)
insert into booking_events ({nights}, {event_written})
select
    linked.check_in, linked.check_out, b.check_in, b.check_out,
    linked.tenant_id, :event, :at, linked.id, :booking, linked.property_id, {event.healed}, :evidence, {by}
from linked, settled, bookings b
where b.tenant_id = :tenant
  and b.id = :booking
returning booking_id
