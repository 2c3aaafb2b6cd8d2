-- Nothing where something was taken from the client since it was looked up; nothing is until the
-- token is noted.
select k.id
from identity.tenant_api_keys k
where k.tenant_id = :tenant
  and k.id = :id
  and k.revoked_at is null
  and k.tokens_not_before is not distinct from :tokens_not_before
for no key update
