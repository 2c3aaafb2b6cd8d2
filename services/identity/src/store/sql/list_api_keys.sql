select {api_key}
from identity.tenant_api_keys k
where k.tenant_id = :tenant
order by k.created_at desc, k.id desc
limit 1000
