-- A part of what a tenant has whose deletion has begun: so many rows of each kind at most, so
-- that no lock is held for long. What another server is at is passed over; a role goes when
-- nobody has it.
with begun as materialized (
    select t.id
    from identity.tenants t
    where t.id = :tenant
      and t.purge_began_at is not null
),
members as (
    delete from identity.memberships m
    where m.tenant_id = :tenant
      and m.ctid = any (array(
          select o.ctid
          from identity.memberships o
          where o.tenant_id = (select b.id from begun b)
          limit :most
          for update skip locked
      ))
    returning m.tenant_id
),
offers as (
    delete from identity.invitations i
    where i.tenant_id = :tenant
      and i.ctid = any (array(
          select o.ctid
          from identity.invitations o
          where o.tenant_id = (select b.id from begun b)
          limit :most
          for update skip locked
      ))
    returning i.tenant_id
),
keys as (
    delete from identity.tenant_api_keys k
    where k.tenant_id = :tenant
      and k.ctid = any (array(
          select o.ctid
          from identity.tenant_api_keys o
          where o.tenant_id = (select b.id from begun b)
          limit :most
          for update skip locked
      ))
    returning k.tenant_id
),
assertions as (
    delete from identity.used_assertions u
    where u.tenant_id = :tenant
      and u.ctid = any (array(
          select o.ctid
          from identity.used_assertions o
          where o.tenant_id = (select b.id from begun b)
          limit :most
      ))
    returning u.tenant_id
),
letters as (
    delete from identity.outbox l
    where l.ctid = any (array(
        select o.ctid
        from identity.outbox o
        where o.of_tenant = (select b.id from begun b)
        limit :most
        for update skip locked
    ))
    returning l.of_tenant
),
own_roles as (
    delete from identity.roles r
    where r.tenant_id = (select b.id from begun b)
      and not exists (select from identity.memberships m where m.tenant_id = :tenant)
    returning r.tenant_id
)
select
    (select count(*) from members) + (select count(*) from offers) + (select count(*) from keys)
    + (select count(*) from assertions) + (select count(*) from letters) + (select count(*) from own_roles)
    as deleted
