-- Of the thousand events up to a number, the first that the version before, which knew
-- positions, had not told yet at the place of a cursor. Null when there is none.
select
    min(e.number) filter (where (e.position, e.at, e.id) > (:position, :at, :event)) - 1 as number,
    min(e.number) - 1 as before_all,
    :position > pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1 as of_another_cluster
from (
    select e.number, e.position, e.at, e.id
    from booking_events e
    where e.tenant_id = :tenant
      and e.number <= :up_to
    order by e.number desc
    limit 1000
) e
