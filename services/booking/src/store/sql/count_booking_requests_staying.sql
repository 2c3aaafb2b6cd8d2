-- Those with a night from a date on, each status up to a number, in order: or a plan may
-- find all rows of a status before it counts the first. A guest who arrives from that
-- date on is counted before who is there already, whom the index has among those that are
-- gone; long stays have an index of their own. A window of creation, which is the longer
-- one, is held against so many rows, and no more are looked at.
with {long_requests}
select asked.status, seen.counted, seen.looked
from unnest(:statuses) as asked (status)
cross join lateral (
    select
        count(*) filter (
            where true
            and r.created_at >= :created_from -- if :created_from
            and r.created_at < :created_to -- if :created_to
        ) as counted,
        count(*) as looked
    from (
        (
            select r.created_at
            from {requests} r
            where r.tenant_id = :tenant
              and {effective} = asked.status
              and {live}
              and r.check_in >= :stay_from
              and r.check_out > :stay_from
              and r.check_in < :stay_to -- if :stay_to
            order by r.check_in, r.created_at, r.id
            limit :most
        )
        union all
        (
            select r.created_at
            from {requests} r
            where r.tenant_id = :tenant
              and {effective} = asked.status
              and {live}
              and r.check_in > :stay_from - {short_stay}
              and r.check_in < :stay_from
              and r.check_out > :stay_from
              and r.check_in < :stay_to -- if :stay_to
            order by r.check_in, r.created_at, r.id
            limit :most
        )
        union all
        (
            select r.created_at
            from long r
            where {effective} = asked.status
              and r.check_in < :stay_to -- if :stay_to
            limit :most
        )
        limit :most
    ) as r
) as seen
