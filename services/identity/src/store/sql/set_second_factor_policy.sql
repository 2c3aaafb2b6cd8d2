update identity.tenants
set second_factor = :policy
where id = :id
returning id
