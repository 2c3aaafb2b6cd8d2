-- Each status up to a number: exact counts cost as much as there are rows. In order, or
-- a plan may find all rows of a status before it counts the first.
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
              {stay_filters}
            order by r.created_at, r.id
            limit :most
        ) as counted
    ) as counted
from unnest(:statuses) as asked (status)
