select k.id
from identity.invitations i
join identity.tenant_api_keys k on k.tenant_id = i.tenant_id and k.id = i.invited_by_key
where i.tenant_id = :tenant
  and i.secret_hash = :secret_hash
for share of k
