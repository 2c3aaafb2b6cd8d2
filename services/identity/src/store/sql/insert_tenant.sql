insert into identity.tenants (id, slug, name, created_at)
values ($1, $2, $3, $4)
returning id, slug, name, created_at
