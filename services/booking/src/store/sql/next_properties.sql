-- The next properties of a walk through all of them, and whether each may hold what cannot
-- be shown. Of a name that is longer than any time zone's, its beginning tells that.
select p.id, {unreadable.properties} <> array[]::text[] as suspect, left(p.time_zone::text, 65) as time_zone
from properties p
where p.tenant_id = :tenant
  and p.id > :after_id
order by p.id
limit :most
