-- By creation, requests with a night of a window. No index has them in this order: the
-- one by check-in has it within each day of arrival. So the first row of each day is
-- looked up, per status or for all in one; the page is in the days whose first rows come
-- first, and none of it comes after the last of these first rows, nor after as many rows
-- of the first of these days as it takes. Stays that began more than a month before the
-- window have an index of their own. What is looked at is read of the index alone, and
-- the rows of the page, with their bookings, when they are known.
with {long_requests},
asked as (
    select
        asked.status, -- if :statuses
        day.check_in, head.created_at, head.id
    from unnest(:days) as day (check_in)
    cross join unnest(:statuses) as asked (status) -- if :statuses
    cross join lateral (
        select r.created_at, r.id
        {of_day}
        {creation_order}
        limit 1
    ) as head
    order by
        head.created_at desc, head.id desc, -- if :created_before
        head.created_at, -- if :created_after
        head.id
    limit :most
),
-- With fewer of them than the page takes, it goes on after all of them.
until as (
    select
        case when count(*) < :most then '-infinity' else min(asked.created_at) end as newest_first,
        case when count(*) < :most then 'infinity' else max(asked.created_at) end as oldest_first
    from asked
),
filled as (
    select last.created_at
    from (
        select r.*
        from asked r
        {creation_order}
        limit 1
    ) as asked
    cross join lateral (select asked.check_in) as day
    cross join lateral (
        select r.created_at
        {of_day}
        {creation_order}
        offset :most - 1
        limit 1
    ) as last
)
select {request_names}, {linked_columns}
from (
    select r.created_at, r.id
    from (
        select r.*
        from asked
        cross join lateral (select asked.check_in) as day
        cross join lateral (
            select r.created_at, r.id
            {of_day}
              and r.created_at >= (select greatest(until.newest_first, filled.created_at) from until left join filled on true) -- if :created_before
              and r.created_at <= (select least(until.oldest_first, filled.created_at) from until left join filled on true) -- if :created_after
            {creation_order}
            limit :most
        ) as r
        union all
        (
            select r.created_at, r.id
            from long r
            where r.check_in <> all (:days)
              {of_statuses}
              {after_creation}
              {stay_filters}
        )
    ) as r
    {creation_order}
    limit :most
) as page
{requests_of_page}
{creation_order}
