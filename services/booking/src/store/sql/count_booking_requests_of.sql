-- Those of one property or guest, up to a number of them in all.
select r.status, count(*) as counted
from (
    select {effective} as status
    from {requests} r
    where r.tenant_id = :tenant
      and {live}
      {owner_filters}
      {stay_filters}
    limit :most
) as r
group by r.status
