select r.id
from {requests} r
where r.tenant_id = :tenant
  and r.guest_id = :guest
order by r.id
limit :most
for update of r
