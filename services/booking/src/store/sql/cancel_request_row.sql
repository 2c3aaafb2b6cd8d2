-- Cancels a request whatever it holds, and frees the dates that a range has for it.
with freed_ranges as (
    {free_ranges}
      and i.source_id = :id
)
update {requests} r
set
    status = {status.cancelled},
    {decides},
    row_version = coalesce(r.row_version, 0) + 1,
    updated_at = :at
where r.tenant_id = :tenant
  and r.id = :id
