-- By check-in, requests that were created in a window of time. No index has them in this
-- order: that by check-in has the window within each day of arrival. The days are gone
-- through in their order until the page is full. Long stays, from before the days, have
-- an index of their own. Bookings are looked up for the rows of the page only.
with {long_requests}
select {request_names}, {linked_columns}
from (
    select {request_names}
    from (
        (
            select {request_names}
            from unnest(:days) with ordinality as day (check_in, place)
            cross join unnest(:statuses) as asked (status) -- if :statuses
            cross join lateral (
                select {request_columns}
                from {requests} r
                where r.tenant_id = :tenant
                  {by_status}
                  and {live}
                  and r.check_in = day.check_in
                  and (r.check_in, r.created_at, r.id) > (:check_in_after, :beside_created_at, :after_id)
                  {stay_filters}
                order by r.created_at, r.id
                limit :most
            ) as r
            order by day.place, r.created_at, r.id
            limit :most
        )
        union all
        (
            select {request_names}
            from long r
            where r.check_in <> all (:days)
              {of_statuses}
              and (r.check_in, r.created_at, r.id) > (:check_in_after, :beside_created_at, :after_id)
              {stay_filters}
        )
    ) as r
    order by r.check_in, r.created_at, r.id
    limit :most
) as r
{linked}
order by r.check_in, r.created_at, r.id
