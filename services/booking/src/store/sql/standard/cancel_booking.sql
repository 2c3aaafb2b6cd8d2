-- Cancels a booking and frees its dates. Requests that are confirmed by it are
-- cancelled with it; open ones that it merely fulfilled wait for a decision again.
-- Those that are linked to it by mistake stay as they are.
-- The note goes to the request that was asked to be cancelled.
with cancelled as (
    update bookings b
    set
        status = {status.cancelled},
        row_version = {next_version.b},
        updated_at = {later.b}
    where b.tenant_id = :tenant
      and b.id = :id
    returning {booking_columns}, b.tenant_id
),
freed_ranges as (
    {free_ranges}
      and i.source_id in (:id, :request)
    returning i.id
),
closed as (
    update booking_requests r
    set
        status = {status.cancelled},
        approved_booking_id = null,
        {decides},
        internal_note = case when r.id is distinct from :request then r.internal_note else {noted} end,
        row_version = {next_version.r},
        updated_at = {later.r}
    from bookings b
    where r.tenant_id = :tenant
      and (
          r.id = :request
          or r.approved_booking_id = :id
          and r.status = {status.confirmed}
          and (b.booking_request_id = r.id or {same_stay})
      )
      and b.tenant_id = :tenant
      and b.id = :id
    returning r.tenant_id, r.id, r.property_id, r.updated_at
),
{fulfilment_lost}
    returning r.tenant_id, r.id, r.property_id, r.updated_at
),
settled as (
    select
        (select count(*) from cancelled) + (select count(*) from freed_ranges)
        + (select count(*) from closed) + (select count(*) from lost) as writes
),
event as (
    {insert_event}
    select tenant_id, gen_random_uuid(), updated_at, id, :id, property_id, {event.cancelled}, '', {by}
    from closed, settled
    union all
    select tenant_id, gen_random_uuid(), updated_at, id, :id, property_id, {event.fulfilment_lost}, '', {by}
    from lost, settled
    union all
    select tenant_id, gen_random_uuid(), updated_at, null, id, property_id, {event.booking_cancelled}, '', {by}
    from cancelled, settled
)
select {booking_names}
from cancelled
