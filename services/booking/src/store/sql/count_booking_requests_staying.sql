-- Those with a night from a date on, each status up to a number, in order: or a plan may
-- find all rows of a status before it counts the first. Long stays have an index of their
-- own. A window of creation, which is the longer one, must not lead into another index.
with {long_requests}
select
    asked.status,
    (
        select count(*)
        from (
            (
                select
                from {requests} r
                where r.tenant_id = :tenant
                  and {effective} = asked.status
                  and {live}
                  and r.check_in > :stay_from - {short_stay}
                  and r.check_out > :stay_from
                  and r.check_in < :stay_to -- if :stay_to
                  and (r.created_at >= :created_from) is true -- if :created_from
                  and (r.created_at < :created_to) is true -- if :created_to
                order by r.check_in, r.created_at, r.id
                limit :most
            )
            union all
            (
                select
                from long r
                where {effective} = asked.status
                  {stay_filters}
                limit :most
            )
        ) as counted
    ) as counted
from unnest(:statuses) as asked (status)
