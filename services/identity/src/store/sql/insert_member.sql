insert into identity.memberships (tenant_id, user_id, role, created_at)
values (:tenant, :user, :role, :at)
