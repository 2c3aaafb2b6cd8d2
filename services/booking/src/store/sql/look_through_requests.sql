-- Requests in the order of creation with a night of a window. A bounded number of rows is
-- looked at, in an index alone where no status is asked for: those that match are the
-- page, and the list goes on after the last one that was looked at. Rows and their
-- bookings are looked up for the page only.
select {request_names}, {linked_columns}, page.found, page.is_last
from (
    select r.id, r.created_at, r.found, r.place = :looked as is_last
    from (
        select
            r.id,
            r.created_at,
            true
            and r.check_out > :stay_from -- if :stay_from
            and r.check_in < :stay_to -- if :stay_to
            as found,
            row_number() over ({creation_order}) as place
        from (
            select r.*
            from {one_walk}
            cross join unnest(:statuses) as asked (status) -- if :statuses
            cross join lateral (
                select r.id, r.created_at, r.check_in, r.check_out
                from {requests} r
                where r.tenant_id = :tenant
                  {by_status}
                  and {live}
                  {after_creation}
                  and r.created_at >= :created_from -- if :created_from
                  and r.created_at < :created_to -- if :created_to
                {creation_order}
                limit :looked
            ) as r
            {creation_order}
            limit :looked
        ) as r
    ) as r
    where r.found
       or r.place = :looked
    -- In the order in which they come: a plan that sorted by their place would have to look
    -- at all of them.
    {creation_order}
    limit :most
) as page
{requests_of_page}
{creation_order}
