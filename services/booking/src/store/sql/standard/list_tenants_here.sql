-- Of all tenants, as the sweeper's role: those after one that have something here, a thousand
-- at most. Whatever a tenant has, it has properties or a feed, which go when nothing else is
-- left; and a check that was under way may have noted where it is after that.
with recursive found as (
    select :after_tenant as tenant_id, 0 as place
    union all
    select next.tenant_id, found.place + 1
    from found
    cross join lateral (
        select either.tenant_id
        from (
            {tenants_here}
        ) either
        order by either.tenant_id
        limit 1
    ) next
    where found.place < 1000
)
select found.tenant_id
from found
where found.place > 0
