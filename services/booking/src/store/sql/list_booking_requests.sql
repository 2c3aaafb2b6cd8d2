-- One walk along an index per status, or one along that of all of them, merged: as
-- flat for a rare status as for a common one. One of the three places is given, and
-- with it the order. Of two lower bounds an index may begin at the lower one, so a
-- place is no lower than its filter. Bookings are looked up for the rows of the page
-- only.
select {request_names}, {linked_columns}
from (
    select {request_names}
    from {one_walk}
    cross join unnest(:statuses) as asked (status) -- if :statuses
    cross join lateral (
        select {request_columns}
        from {requests} r
        where r.tenant_id = :tenant
          {by_status}
          and {live}
          {after_place}
          and r.created_at >= :created_from -- if :created_from
          and r.created_at < :created_to -- if :created_to
        {request_order}
        limit :most
    ) as r
    {request_order}
    limit :most
) as r
{linked}
{request_order}
