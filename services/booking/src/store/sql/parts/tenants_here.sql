(
                select p.tenant_id
                from properties p
                where p.tenant_id > found.tenant_id
                order by p.tenant_id
                limit 1
            )
            union all
            (
                select h.tenant_id
                from feed_heads h
                where h.tenant_id > found.tenant_id
                order by h.tenant_id
                limit 1
            )
            union all
            (
                select c.tenant_id
                from inconsistency_checks c
                where c.tenant_id > found.tenant_id
                order by c.tenant_id
                limit 1
            )
