-- Properties with the columns that cannot be shown; whether the time zone is one, the
-- reader knows.
select
    p.id,
    {unreadable.properties} as columns,
    {shown_version.p} as row_version,
    left(p.time_zone::text, 65) as time_zone
from properties p
where p.tenant_id = :tenant
  and p.id = any (:rows)
