-- Up to the oldest transaction that is under way nothing can appear any more.
select
    e.id, e.at, e.booking_request_id, e.booking_id, e.action, e.actor, e.evidence,
    e.position
from booking_events e
where e.tenant_id = $1
  and (e.position, e.at, e.id) > ($2, $3, $4)
  and e.position <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
  and ($5::uuid is null or e.property_id = $5)
order by e.position, e.at, e.id
limit $6
