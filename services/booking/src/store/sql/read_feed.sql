-- Behind the oldest transaction that is under way nothing can appear any more.
select e.id, e.at, e.booking_request_id, e.booking_id, e.action, e.actor, e.evidence, e.tx::text as tx
from booking_events e
where e.tenant_id = $1
  and (e.tx, e.id) > ($2::text::xid8, $3)
  and e.tx < pg_snapshot_xmin(pg_current_snapshot())
  and ($4::uuid is null or e.property_id = $4)
order by e.tx, e.id
limit $5
