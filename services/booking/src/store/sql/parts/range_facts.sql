select
    i.id,
    i.source_id,
    {active} as active,
    exists (
        select
        from bookings b
        where b.tenant_id = :tenant
          and b.id = i.source_id
          and (b.status in ({freed})) is not true
    )
    or exists (
        select
        from {requests} r
        where r.tenant_id = :tenant
          and r.id = i.source_id
          and {open}
    ) as stands
from inventory_ranges i
where i.tenant_id = :tenant
  and i.id = any (:rows)
  and i.kind = {range.booking}
