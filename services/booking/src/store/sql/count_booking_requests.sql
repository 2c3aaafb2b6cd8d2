-- Each status up to a number: exact counts cost as much as there are rows. A window of
-- stays beside that of creation is held against so many rows, and no more are looked at.
-- In order, or a plan may find all rows of a status before it counts the first.
select asked.status, seen.counted, seen.looked
from unnest(:statuses) as asked (status)
cross join lateral (
    select
        count(*) filter (
            where true
            and r.check_out > :stay_from -- if :stay_from
            and r.check_in < :stay_to -- if :stay_to
        ) as counted,
        count(*) as looked
    from (
        select r.check_in, r.check_out
        from {requests} r
        where r.tenant_id = :tenant
          and {effective} = asked.status
          and {live}
          and r.created_at >= :created_from -- if :created_from
          and r.created_at < :created_to -- if :created_to
        order by r.created_at, r.id
        limit :most
    ) as r
) as seen
