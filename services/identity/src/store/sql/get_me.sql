-- A user with the scopes held outside tenants, in a row for each membership, or one without. Of
-- tenants whose deletion has begun it is nobody's, and what is kept of it depends on them.
select
    {user},
    u.platform_scopes,
    exists (select from identity.factors f where f.user_id = u.id) as has_factors,
    m.is_gone,
    m.tenant_id,
    m.tenant_name,
    m.role,
    m.own_scopes
from identity.users u
left join lateral (
    select
        t.purge_began_at is not null as is_gone,
        own.tenant_id,
        t.name as tenant_name,
        own.role,
        r.scopes as own_scopes
    from identity.memberships own
    join identity.tenants t on t.id = own.tenant_id
    left join identity.roles r on r.tenant_id = own.tenant_id and r.name = own.custom_role
    where own.user_id = u.id
) m on true
where u.id = :user
  and u.deleted_at is null
order by m.tenant_name, m.tenant_id
