-- Up to the oldest transaction that is under way nothing can appear any more.
select {event_columns}, e.position
from booking_events e
where e.tenant_id = :tenant
  and (e.position, e.at, e.id) > (:position, :at, :event)
  and e.position <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
  and e.property_id = :property -- if :property
order by e.position, e.at, e.id
limit :most
