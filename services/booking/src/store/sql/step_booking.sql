-- Check-in, check-out or no-show. A no-show frees the dates; who leaves early frees the
-- nights that are left, in however many ranges they are, and the day that was booked is
-- kept. Open requests that the booking merely fulfilled, and of whose nights it has none
-- any more, wait for a decision again.
with stepped as (
    update bookings b
    set
        status = :status,
        check_out = coalesce(:departure, b.check_out),
        booked_check_out = case when :departure is null then b.booked_check_out else b.check_out end,
        row_version = {next_version.b},
        updated_at = :at
    where b.tenant_id = :tenant
      and b.id = :id
    returning {booking_columns}, b.tenant_id
),
freed_ranges as (
    {free_ranges}
      and i.source_id = :id
      and (:status = {status.no_show} or i.start_date >= :departure)
    returning i.id
),
shortened as (
    update inventory_ranges i
    set end_date = :departure
    where i.tenant_id = :tenant
      and i.source_id = :id
      and i.kind::text = {range.booking}
      and {active}
      and i.start_date < :departure
      and i.end_date > :departure
    returning i.id
),
{fulfilment_lost}
      and (:status = {status.no_show} or r.check_in >= :departure)
    returning r.tenant_id, r.id, r.property_id, r.updated_at
),
settled as (
    select
        (select count(*) from stepped) + (select count(*) from freed_ranges)
        + (select count(*) from shortened) + (select count(*) from lost) as writes
),
event as (
    insert into booking_events (overridden_rules, {event_written})
    select
        null::text[], tenant_id, gen_random_uuid(), updated_at, id, :id, property_id,
        {event.fulfilment_lost}, '', {by}
    from lost, settled
    union all
    select :overridden, s.tenant_id, :event, :at, s.booking_request_id, s.id, s.property_id, :kind, '', {by}
    from stepped s, settled
)
select {booking_names}
from stepped
