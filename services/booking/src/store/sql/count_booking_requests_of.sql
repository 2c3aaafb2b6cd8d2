-- Those of one property or guest; so many are looked at, and no more.
select
    r.status,
    count(*) filter (
        where true
        {stay_filters}
    ) as counted,
    count(*) as looked
from (
    select {effective} as status, r.check_in, r.check_out, r.created_at
    from {requests} r
    where r.tenant_id = :tenant
      and {live}
      {owner_filters}
    limit :most
) as r
group by r.status
