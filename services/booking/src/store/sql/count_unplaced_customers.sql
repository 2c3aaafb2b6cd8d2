-- Customers that have no place in a list by name.
select count(*) as counted
from (
    select
    from customers c
    where c.tenant_id = :tenant
      and c.archived = :archived
      and c.name is null
    limit :most
) as counted
