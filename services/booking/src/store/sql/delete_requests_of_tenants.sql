-- Some requests of tenants that are deleted, before the bookings that they refer to, as
-- `delete_rows_of_tenants` deletes the rest.
with turn as materialized (
    select
        t.tenant_id,
        set_config('app.suspects_noted', '1000', true) as noted,
        set_config('app.suspects_of', t.tenant_id::text, true) as noted_of
    from unnest(:tenants) as t (tenant_id)
    where pg_try_advisory_xact_lock(hashtextextended('delete tenant ' || t.tenant_id, 0))
),
gone as (
    delete from booking_requests r
    where r.tenant_id = any (array(select turn.tenant_id from turn))
      and r.id = any (array(
          select o.id
          from booking_requests o
          where o.tenant_id = any (array(select turn.tenant_id from turn))
          limit :most
      ))
    returning r.tenant_id
)
-- Nothing can be said of it while another server is at it.
select case when exists (select from turn) then count(*) end as deleted
from gone
