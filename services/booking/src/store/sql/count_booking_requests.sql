select
    wanted.status,
    (
        select count(*)
        from (
            select
            from {requests} r
            where r.tenant_id = $1
              and {effective} = wanted.status
              and {live}
              {filters}
            limit $3
        ) as counted
    ) as counted
from unnest($2::text[]) as wanted (status)
