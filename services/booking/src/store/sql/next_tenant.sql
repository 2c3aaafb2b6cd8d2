-- Of all tenants, as the sweeper's role: also of those that have customers and no property
-- yet.
select either.tenant_id
from (
    (
        select p.tenant_id
        from properties p
        where p.tenant_id > :after_tenant
        order by p.tenant_id
        limit 1
    )
    union all
    (
        select c.tenant_id
        from customers c
        where c.tenant_id > :after_tenant
        order by c.tenant_id
        limit 1
    )
) either
order by either.tenant_id
limit 1
