delete from identity.memberships
where tenant_id = $1
  and user_id = $2
