-- Those whose status nobody knows, up to a number.
select count(*) as counted
from (
    select
    from {requests} r
    where r.tenant_id = :tenant
      and {is_unknown}
      and {live}
      {stay_filters}
    limit :most
) as counted
