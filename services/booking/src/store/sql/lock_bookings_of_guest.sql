select b.id
from bookings b
where b.tenant_id = :tenant
  and b.guest_id = :guest
order by b.id
limit :most
for update of b
