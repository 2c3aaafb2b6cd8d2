update identity.memberships
set role = :role
where tenant_id = :tenant
  and user_id = :user
