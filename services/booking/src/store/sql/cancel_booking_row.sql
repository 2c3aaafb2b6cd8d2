-- Cancels a booking whatever it holds, and frees its dates.
with freed_ranges as (
    {free_ranges}
      and i.source_id = :id
)
update bookings b
set status = {status.cancelled}, row_version = coalesce(b.row_version, 0) + 1, updated_at = :at
where b.tenant_id = :tenant
  and b.id = :id
