-- The booking that another system knows by this id, which may be spelled in two ways: the
-- one that stands or, if none does, the last one that is over. A look-up for each
-- spelling, which no plan turns into a walk along all ids.
select {booking_names}
from unnest(:sources) as asked_source (of_source)
cross join unnest(:external_ids) as asked (of_id)
cross join lateral (
    select {booking_columns}
    from bookings b
    where b.tenant_id = :tenant
      and b.source = asked_source.of_source
      and b.external_id = asked.of_id
      and b.deleted_at is null
    order by (b.status in ({freed})) is true, b.created_at desc, b.id desc
    limit 1
) as b
order by (b.status in ({freed})) is true, b.created_at desc, b.id desc
limit 1
