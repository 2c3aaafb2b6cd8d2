-- Cannot be taken back from here on, so neither a server whose clock is ahead nor a database
-- whose is begins it early, nor one that has seen only lately that the time is over, or that
-- nobody has looked at since. Done before, it is done: no row says that the tenant was restored,
-- or is gone.
with begun as (
    update identity.tenants t
    set
        purge_began_at = now(),
        slug = 'deleted-' || t.id,
        name = ''
    where t.id = :id
      and t.purge_began_at is null
      and t.purge_at <= least(:now, now())
      and t.purge_due_at <= now() - make_interval(secs => :rest)
      and t.purge_seen_at > now() - make_interval(secs => 2 * :look)
    returning t.id, t.purge_began_at
),
under_way as (
    select b.id, b.purge_began_at
    from begun b
    union all
    select t.id, t.purge_began_at
    from identity.tenants t
    where t.id = :id
      and t.purge_began_at is not null
),
told as (
    insert into identity.deleted_tenants as d (id, deleted_at)
    select u.id, u.purge_began_at
    from under_way u
    on conflict on constraint deleted_tenants_pkey do update
    set deleted_at = excluded.deleted_at
    where d.deleted_at < excluded.deleted_at
)
select u.id
from under_way u
