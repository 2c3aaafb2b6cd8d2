-- Those whose status nobody knows; so many are looked at, and no more.
select
    count(*) filter (
        where true
        {stay_filters}
    ) as counted,
    count(*) as looked
from (
    select r.check_in, r.check_out, r.created_at
    from {requests} r
    where r.tenant_id = :tenant
      and {is_unknown}
      and {live}
    order by r.created_at, r.id
    limit :most
) as r
