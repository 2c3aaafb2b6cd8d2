delete from identity.roles
where tenant_id = :tenant
  and name = :name
returning name
