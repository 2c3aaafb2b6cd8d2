-- Tenants in which nobody else is an owner who can sign in. One whose deletion has begun needs
-- none any more.
select t.name
from identity.memberships mine
join identity.tenants t on t.id = mine.tenant_id
where mine.user_id = :user
  and mine.role = :owner
  and t.purge_began_at is null
  and not exists (
      select
      from identity.memberships m
      join identity.users u on u.id = m.user_id
      where m.tenant_id = mine.tenant_id
        and m.role = :owner
        and m.user_id <> :user
        and u.disabled_at is null
  )
order by t.name
limit 10
