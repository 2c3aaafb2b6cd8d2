update identity.tenant_api_keys
set last_used_at = :at
where tenant_id = :tenant
  and id = :id
