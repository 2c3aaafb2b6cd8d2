-- Those that somebody else is numbering are left out.
select h.tenant_id
from feed_heads h
where h.tenant_id = any (:tenants)
order by h.tenant_id
for update skip locked
