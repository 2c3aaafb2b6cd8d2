-- What was found about rows takes the place of what was known of them.
with gone as (
    delete from inconsistencies f
    where f.tenant_id = :tenant
      and f.row_id = any (:judged)
      and (f.kind_number, f.row_id) not in (
          select found.kind, found.row_id
          from unnest(:kinds, :found) as found (kind, row_id)
      )
)
insert into inconsistencies (tenant_id, kind_number, row_id, found_at)
select :tenant, found.kind, found.row_id, :at
from unnest(:kinds, :found) as found (kind, row_id)
on conflict on constraint inconsistencies_pkey do nothing
