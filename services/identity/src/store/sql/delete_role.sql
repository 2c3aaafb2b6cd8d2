delete from identity.roles
where tenant_id = $1
  and name = $2
returning name
