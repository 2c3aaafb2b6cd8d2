-- What still belongs to it keeps it, by foreign keys.
delete from identity.tenants t
where t.id = :id
  and t.purge_began_at is not null
returning t.id
