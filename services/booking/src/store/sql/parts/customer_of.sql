-- By its id in another system, which may be spelled in two ways, as its source may: of
-- several the one that is spelled as ours are.
select {customer_columns}
from customers c
where c.tenant_id = :tenant
  and c.source = any (:sources)
  and c.external_id = any (:external_ids)
order by array_position(:external_ids, c.external_id), array_position(:sources, c.source), c.id
limit 1
