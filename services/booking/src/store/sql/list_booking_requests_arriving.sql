-- By check-in, requests that have a night from a date on. Most stays that have not
-- ended by then begin in the month before or later: those are walked along, per status
-- or all in one. Longer ones have an index of their own. Bookings are looked up for the
-- rows of the page only.
with {long_requests}
select {request_names}, {linked_columns}
from (
    select {request_names}
    from (
        select r.*
        from {one_walk}
        cross join unnest(:statuses) as asked (status) -- if :statuses
        cross join lateral (
            select {request_columns}
            from {requests} r
            where r.tenant_id = :tenant
              {by_status}
              and {live}
              and (r.check_in, r.created_at, r.id)
                  > (greatest(:check_in_after, :stay_from - {short_stay}), :beside_created_at, :after_id)
              and r.created_at is not null
              and r.check_in > :stay_from - {short_stay}
              and r.check_out > :stay_from
              and r.check_in < :stay_to -- if :stay_to
            order by r.check_in, r.created_at, r.id
            limit :most
        ) as r
        union all
        (
            select {request_names}
            from long r
            where true
              {of_statuses}
              and (r.check_in, r.created_at, r.id) > (:check_in_after, :beside_created_at, :after_id)
              and r.created_at is not null
              and r.check_in < :stay_to -- if :stay_to
        )
    ) as r
    order by r.check_in, r.created_at, r.id
    limit :most
) as r
{linked}
order by r.check_in, r.created_at, r.id
