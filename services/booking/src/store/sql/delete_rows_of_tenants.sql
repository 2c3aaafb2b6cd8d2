-- Some of what tenants have that are deleted, as the sweeper's role, which sees those that the
-- transaction names: so many rows of each kind at most, so that no lock is held for long. What
-- others refer to goes after them, and what says that a tenant has something here when nothing
-- else is left: properties, and then the feed.
-- Null while another server is at it. There is nothing to judge of it any more, so the trigger
-- of the check is told that all is noted.
with turn as materialized (
    select
        t.tenant_id,
        set_config('app.suspects_noted', '1000', true) as noted,
        set_config('app.suspects_of', t.tenant_id::text, true) as noted_of
    from unnest(:tenants) as t (tenant_id)
    where pg_try_advisory_xact_lock(hashtextextended('delete tenant ' || t.tenant_id, 0))
),
sold as (
    delete from bookings b
    where b.tenant_id = any (array(select turn.tenant_id from turn))
      and b.id = any (array(
          select o.id
          from bookings o
          where o.tenant_id = any (array(select turn.tenant_id from turn))
          limit :most
      ))
    returning b.tenant_id
),
nights as (
    delete from inventory_ranges i
    where i.tenant_id = any (array(select turn.tenant_id from turn))
      and i.id = any (array(
          select o.id
          from inventory_ranges o
          where o.tenant_id = any (array(select turn.tenant_id from turn))
          limit :most
      ))
    returning i.tenant_id
),
told as (
    delete from booking_events e
    where e.tenant_id = any (array(select turn.tenant_id from turn))
      and e.id = any (array(
          select o.id
          from booking_events o
          where o.tenant_id = any (array(select turn.tenant_id from turn))
          limit :most
      ))
    returning e.tenant_id
),
keys as (
    delete from idempotency_keys k
    where k.tenant_id = any (array(select turn.tenant_id from turn))
      and k.key = any (array(
          select o.key
          from idempotency_keys o
          where o.tenant_id = any (array(select turn.tenant_id from turn))
          limit :most
      ))
    returning k.tenant_id
),
noted as (
    delete from inconsistency_suspects s
    where s.tenant_id = any (array(select turn.tenant_id from turn))
      and s.id = any (array(
          select o.id
          from inconsistency_suspects o
          where o.tenant_id = any (array(select turn.tenant_id from turn))
          limit :most
      ))
    returning s.tenant_id
),
found as (
    delete from inconsistencies f
    where f.tenant_id = any (array(select turn.tenant_id from turn))
      and f.row_id = any (array(
          select o.row_id
          from inconsistencies o
          where o.tenant_id = any (array(select turn.tenant_id from turn))
          limit :most
      ))
    returning f.tenant_id
),
checks as (
    delete from inconsistency_checks c
    where c.tenant_id = any (array(select turn.tenant_id from turn))
    returning c.tenant_id
),
rules as (
    delete from booking_settings s
    where s.tenant_id = any (array(select turn.tenant_id from turn))
    returning s.tenant_id
),
guests as (
    delete from customers g
    where g.tenant_id = any (array(select turn.tenant_id from turn))
      and g.id = any (array(
          select o.id
          from customers o
          where o.tenant_id = any (array(select turn.tenant_id from turn))
          limit :most
      ))
      and not exists (select from bookings b where b.tenant_id = any (array(select turn.tenant_id from turn)))
    returning g.tenant_id
),
-- As it was when the statement began, so what goes now is still there. Whether a check of the
-- tenant is under way does not matter: as long as there are properties it may begin anew, and it
-- says by itself that the tenant has something here.
left_over as materialized (
    select
        not exists (select from bookings b where b.tenant_id = any (array(select turn.tenant_id from turn)))
        and not exists (select from inventory_ranges i where i.tenant_id = any (array(select turn.tenant_id from turn)))
        and not exists (select from booking_events e where e.tenant_id = any (array(select turn.tenant_id from turn)))
        and not exists (select from idempotency_keys k where k.tenant_id = any (array(select turn.tenant_id from turn)))
        and not exists (select from inconsistency_suspects s where s.tenant_id = any (array(select turn.tenant_id from turn)))
        and not exists (select from inconsistencies f where f.tenant_id = any (array(select turn.tenant_id from turn)))
        and not exists (select from booking_settings s where s.tenant_id = any (array(select turn.tenant_id from turn)))
        and not exists (select from customers g where g.tenant_id = any (array(select turn.tenant_id from turn)))
        as nothing
),
places as (
    delete from properties p
    where p.tenant_id = any (array(select turn.tenant_id from turn))
      and p.id = any (array(
          select o.id
          from properties o
          where o.tenant_id = any (array(select turn.tenant_id from turn))
          limit :most
      ))
      and (select left_over.nothing from left_over)
    returning p.tenant_id
),
feed as (
    delete from feed_heads h
    where h.tenant_id = any (array(select turn.tenant_id from turn))
      and (select left_over.nothing from left_over)
      and not exists (select from properties p where p.tenant_id = any (array(select turn.tenant_id from turn)))
    returning h.tenant_id
)
select
    case when exists (select from turn) then
        (select count(*) from sold)
        + (select count(*) from nights)
        + (select count(*) from told)
        + (select count(*) from keys)
        + (select count(*) from noted)
        + (select count(*) from found)
        + (select count(*) from checks)
        + (select count(*) from rules)
        + (select count(*) from guests)
        + (select count(*) from places)
        + (select count(*) from feed)
    end as deleted
