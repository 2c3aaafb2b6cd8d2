-- Not one that is here again, as after a backup of some tables: what other services have of it
-- is all that is left. Nor one whose deletion began only lately, which somebody may still notice.
select d.id
from identity.deleted_tenants d
where d.id = any (:ids)
  and d.deleted_at <= now() - make_interval(secs => :settled)
  and not exists (
      select
      from identity.tenants t
      where t.id = d.id
        and t.purge_began_at is null
  )
