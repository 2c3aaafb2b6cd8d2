-- Cannot be taken back from here on, so neither a server whose clock is ahead nor a database
-- whose is begins it early, nor one that has seen only lately that the time is over. Done
-- before, it is done: no row says that the tenant was restored, or is gone.
with begun as (
    update identity.tenants t
    set
        purge_began_at = coalesce(t.purge_began_at, greatest(:now, now())),
        slug = 'deleted-' || t.id,
        name = ''
    where t.id = :id
      and (
          t.purge_began_at is not null
          or t.purge_at <= least(:now, now())
          and t.purge_due_at <= now() - make_interval(secs => :rest)
      )
    returning t.id, t.purge_began_at
),
told as (
    insert into identity.deleted_tenants as d (id, deleted_at)
    select b.id, b.purge_began_at
    from begun b
    on conflict on constraint deleted_tenants_pkey do update
    set deleted_at = greatest(d.deleted_at, excluded.deleted_at)
)
select b.id
from begun b
