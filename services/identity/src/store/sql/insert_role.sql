-- No row when the tenant has as many as it may. Calls at the same moment may each find the
-- last place free: the limit is there to bound a tenant, not to count it.
insert into identity.roles (tenant_id, name, scopes, created_at)
select :tenant, :name, :scopes, :at
where (select count(*) from identity.roles r where r.tenant_id = :tenant) < :most
returning name
