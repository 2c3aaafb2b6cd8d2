-- The booking that was made for a request and holds or held its dates.
select {booking_columns}, p.time_zone
from bookings b
left join properties p on p.tenant_id = b.tenant_id and p.id = b.property_id
where b.tenant_id = :tenant
  and b.booking_request_id = :id
  and (b.status in ({once_sold})) is true
order by b.created_at desc
limit 1
for update of b
