-- No row for an id that a deleted tenant had.
insert into identity.tenants as t (id, slug, name, created_at)
select :id, :slug, :name, :created_at
where not exists (select from identity.deleted_tenants d where d.id = :id)
returning {tenant}
