-- A booking that exists fulfils the request; it gets the inventory range that it
-- lacks, and a hold of the request ends.
with freed as (
    update bookings b
    set status = 'cancelled', row_version = b.row_version + 1, updated_at = $4
    from booking_requests r
    where r.tenant_id = $1
      and r.id = $2
      and b.tenant_id = $1
      and b.id = r.held_booking_id
      and (b.status = 'requested') is true
    returning b.id
),
freed_range as (
    update inventory_ranges i
    set state = 'cancelled'
    from freed
    where i.tenant_id = $1
      and i.source_id = freed.id
      and (i.state = 'active') is true
),
linked as (
    update booking_requests r
    set
        status = case when $10::boolean then r.status else 'confirmed' end,
        confirmed_at = coalesce(r.confirmed_at, $4),
        approved_booking_id = $3,
        held_booking_id = null,
        hold_expires_at = null,
        decided_by = $5,
        internal_note = {noted $7},
        row_version = r.row_version + 1,
        updated_at = $4
    where r.tenant_id = $1
      and r.id = $2
    returning r.tenant_id, r.id, r.property_id
),
ranged as (
    insert into inventory_ranges (
        tenant_id, id, property_id, kind, source_id, start_date, end_date, state, created_at
    )
    select b.tenant_id, $6, b.property_id, 'booking', b.id, b.check_in, b.check_out, 'active', $4
    from bookings b
    where b.tenant_id = $1
      and b.id = $3
      and not exists (
          select
          from inventory_ranges i
          where i.tenant_id = $1
            and i.source_id = b.id
            and (i.state = 'active') is true
      )
)
insert into booking_events (
    tenant_id, id, at, booking_request_id, booking_id, property_id, action, actor, evidence
)
select tenant_id, $8, $4, id, $3, property_id, 'healed', $5, $9
from linked
returning booking_id
