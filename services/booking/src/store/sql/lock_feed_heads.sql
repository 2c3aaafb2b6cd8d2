-- Those that somebody else numbers are left out: he does it.
select h.tenant_id
from feed_heads h
where h.tenant_id = any (:tenants)
order by h.tenant_id
for update skip locked
