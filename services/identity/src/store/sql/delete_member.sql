delete from identity.memberships
where tenant_id = :tenant
  and user_id = :user
