select
    asked.status,
    (
        select count(*)
        from (
            select
            from {requests} r
            where r.tenant_id = :tenant
              and {effective} = asked.status
              and {live}
              {owner_filters}
              {stay_filters}
            limit :most
        ) as counted
    ) as counted
from unnest(:statuses) as asked (status)
