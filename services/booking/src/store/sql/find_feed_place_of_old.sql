-- Where a cursor of the version before leads, which knew positions: after everything
-- that does not come after it. Null when nothing comes after it.
select
    min(later.number) - 1 as number,
    :position > pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1 as of_another_cluster
from (
    select e.number
    from booking_events e
    where e.tenant_id = :tenant
      and (e.position, e.at, e.id) > (:position, :at, :event)
      and e.number is not null
    order by e.position, e.at, e.id
    limit 100
) later
