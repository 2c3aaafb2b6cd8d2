insert into identity.tenants as t (id, slug, name, created_at)
values (:id, :slug, :name, :created_at)
returning {tenant}
