-- Properties that have no place in a list by name.
select count(*) as counted
from (
    select
    from properties
    where tenant_id = :tenant
      and name is null
    limit :most
) as counted
