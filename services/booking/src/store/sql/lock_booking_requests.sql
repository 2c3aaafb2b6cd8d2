-- Whichever of them nobody else has locked: whoever has to wait for a row waits alone.
-- As `lock_booking_request`, but for the linked booking, which says nothing of a request
-- that is booked out of nothing. The array is hidden from the plan, as in `book_requests`.
select
    {request_columns},
    coalesce((select s.auto_decline from booking_settings s where s.tenant_id = :tenant), false) as auto_decline,
    p.id is not null as has_property, {terms}
from {requests} r
left join lateral (
    select p.id, {terms}
    from properties p
    where p.tenant_id = :tenant
      and p.id = r.property_id
    -- One look-up for each row, which no plan turns into a join of the whole table.
    limit 1
) as p on p.id = r.property_id
where r.tenant_id = :tenant
  and r.id = any (array(select unnest(:ids)))
  and {live}
for update of r skip locked
