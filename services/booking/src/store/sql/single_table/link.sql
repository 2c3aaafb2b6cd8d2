-- Another row fulfils the request; it gets the inventory range that it lacks. The
-- request's status stays, since the constraint refuses a second confirmed row.
with linked as (
    update bookings r
    set
        confirmed_at = coalesce(r.confirmed_at, $4),
        approved_booking_id = $3,
        approved_by = $5,
        internal_notes = {noted $7},
        row_version = r.row_version + 1,
        updated_at = $4
    where r.tenant_id = $1
      and r.id = $2
      and {open}
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
