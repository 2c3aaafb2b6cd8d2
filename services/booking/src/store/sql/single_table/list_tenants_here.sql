-- Of all tenants, as the sweeper's role: those after one that have something here, a thousand
-- at most. What other programs store need not have a property, so their tables are looked at,
-- too; of what is ours there are properties or a feed, which go when nothing else is left, and
-- a check that was under way may have noted where it is after that.
with recursive found as (
    select :after_tenant as tenant_id, 0 as place
    union all
    select next.tenant_id, found.place + 1
    from found
    cross join lateral (
        select either.tenant_id
        from (
            {tenants_here}
            union all
            (
                select b.tenant_id
                from bookings b
                where b.tenant_id > found.tenant_id
                order by b.tenant_id
                limit 1
            )
            union all
            (
                select g.tenant_id
                from customers g
                where g.tenant_id > found.tenant_id
                order by g.tenant_id
                limit 1
            )
        ) either
        order by either.tenant_id
        limit 1
    ) next
    where found.place < 1000
)
select found.tenant_id
from found
where found.place > 0
