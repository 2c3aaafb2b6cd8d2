-- By id, after :after.
select id, made_at, due, size, data, tags, note
from things
where tenant_id = :tenant
  and id > :after
  and due >= :due_from -- if :due_from
  and note = any (:notes) -- if :notes
order by id
limit :limit
