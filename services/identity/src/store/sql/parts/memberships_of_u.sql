-- The role of a user `u` in the tenant that is asked for; without one, in two tenants at
-- most, of which the caller has to name one.
left join lateral (
    -- Each column with its table: should memberships lose a column, its bare name would
    -- be taken for that of an outer row, and everybody's memberships for the caller's.
    select own.tenant_id, own.role, own.custom_role, place.suspended_at
    from identity.memberships own
    join identity.tenants place on place.id = own.tenant_id
    where own.user_id = u.id
      and (:tenant is null or own.tenant_id = :tenant)
    order by own.tenant_id
    limit 2
) m on true
left join identity.roles r on r.tenant_id = m.tenant_id and r.name = m.custom_role
