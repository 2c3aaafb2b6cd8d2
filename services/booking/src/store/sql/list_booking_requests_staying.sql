-- Requests whose stay has a night from a date on, found by the dates. Most of those
-- that have not ended by then begin in the month before or later, and are found per
-- status; those of long stays have an index of their own. One of the three places is
-- given, and with it the order: in that of check-in a page is read, in another all
-- that the dates leave. Bookings are looked up for the rows of the page only.
select {request_names}, {linked_columns}
from (
    select {request_names}
    from (
        select r.*
        from {asked} as asked (status)
        cross join lateral (
            select {request_columns}
            from {requests} r
            where r.tenant_id = :tenant
              and {is_asked}
              and {live}
              and (r.created_at, r.id) < (least(:created_before, :created_to), :after_id) -- if :created_before
              and (r.created_at, r.id) > (greatest(:created_after, :created_from), :after_id) -- if :created_after
              and (r.check_in, r.id) > (greatest(:check_in_after, :stay_from - {short_stay}), :after_id) -- if :check_in_after
              and r.check_in > :stay_from - {short_stay}
              {stay_filters}
            order by r.check_in, r.id -- if :check_in_after
            limit :most -- if :check_in_after
        ) as r
        union all
        (
            select {request_columns}
            from {requests} r
            where r.tenant_id = :tenant
              and {any_asked}
              and {long_request}
              and {live}
              {after_place}
              {stay_filters}
        )
    ) as r
    {request_order}
    limit :most
) as r
{linked}
{request_order}
