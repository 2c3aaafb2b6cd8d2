-- Cancels a row and frees its dates; open rows that it merely fulfilled wait for a
-- decision again. Those that are linked to it by mistake stay as they are.
with cancelled as (
    update bookings b
    set
        status = {status.cancelled},
        approved_booking_id = null,
        {decides},
        internal_notes = case
            when :note = '' then b.internal_notes
            when coalesce(b.internal_notes, '') = '' then :note
            else b.internal_notes || e'\n' || :note
        end,
        row_version = {next_version.b},
        updated_at = {later.b}
    where b.tenant_id = :tenant
      and b.id = :id
    returning {booking_columns}, b.tenant_id
),
freed_ranges as (
    {free_ranges}
      and i.source_id = :id
    returning i.id
),
{fulfilment_lost}
    returning r.tenant_id, r.id, r.property_id, r.updated_at
),
settled as (
    select
        (select count(*) from cancelled) + (select count(*) from freed_ranges)
        + (select count(*) from lost) as writes
),
event as (
    {insert_event}
    select tenant_id, gen_random_uuid(), updated_at, id, :id, property_id, {event.fulfilment_lost}, '', {by}
    from lost, settled
    union all
    select tenant_id, gen_random_uuid(), updated_at, id, id, property_id, {event.cancelled}, '', {by}
    from cancelled, settled
    union all
    select tenant_id, gen_random_uuid(), updated_at, null, id, property_id, {event.booking_cancelled}, '', {by}
    from cancelled, settled
)
select {booking_names}
from cancelled
