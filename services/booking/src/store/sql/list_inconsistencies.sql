-- What was found before, in the order of the list; whether it still holds is for the
-- reader to see.
select f.kind_number, f.row_id
from inconsistencies f
where f.tenant_id = :tenant
  and (f.kind_number, f.row_id) > (:after_kind, :after_id)
order by f.kind_number, f.row_id
limit :most
