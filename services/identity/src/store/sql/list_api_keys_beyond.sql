-- Live keys that a user made in tenants of which the user is no owner: whatever else a role
-- allows may be less than the keys do. One more than are named.
select k.id
from identity.tenant_api_keys k
where k.created_by = :user
  and k.revoked_at is null
  and (k.expires_at is null or k.expires_at > :now)
  and not exists (
      select
      from identity.memberships m
      where m.tenant_id = k.tenant_id
        and m.user_id = :user
        and m.role = :owner
  )
order by k.created_at, k.id
limit 101
