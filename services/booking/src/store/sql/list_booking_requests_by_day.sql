-- By creation, requests with a night of a window. No index has them in this order: the
-- one by check-in has it within each day of arrival. So the first row of each day is
-- looked up, per status or for all in one; the page is in the days whose first rows come
-- first, and none of it lies behind the last of these first rows. Stays that began more
-- than a month before the window have an index of their own. Bookings are looked up for
-- the rows of the page only.
with {long_requests},
asked as (
    select
        asked.status, -- if :statuses
        day.check_in, head.created_at, head.id
    from unnest(:days) as day (check_in)
    cross join unnest(:statuses) as asked (status) -- if :statuses
    cross join lateral (
        select r.created_at, r.id
        from {requests} r
        where r.tenant_id = :tenant
          {by_status}
          and {live}
          and r.check_in = day.check_in
          {after_creation}
          {stay_filters}
        {creation_order}
        limit 1
    ) as head
    order by
        head.created_at desc, head.id desc, -- if :created_before
        head.created_at, -- if :created_after
        head.id
    limit :most
),
-- With fewer of them than the page takes, it goes on behind all.
until as (
    select
        case when count(*) < :most then '-infinity' else min(asked.created_at) end as newest_first,
        case when count(*) < :most then 'infinity' else max(asked.created_at) end as oldest_first
    from asked
)
select {request_names}, {linked_columns}
from (
    select {request_names}
    from (
        select r.*
        from asked
        cross join lateral (
            select {request_columns}
            from {requests} r
            where r.tenant_id = :tenant
              {by_status}
              and {live}
              and r.check_in = asked.check_in
              and r.created_at >= (select until.newest_first from until) -- if :created_before
              and r.created_at <= (select until.oldest_first from until) -- if :created_after
              {after_creation}
              {stay_filters}
            {creation_order}
            limit :most
        ) as r
        union all
        (
            select {request_names}
            from long r
            where true
              {of_statuses}
              {after_creation}
              {stay_filters}
        )
    ) as r
    {creation_order}
    limit :most
) as r
{linked}
{creation_order}
