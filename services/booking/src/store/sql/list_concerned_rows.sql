-- The rows that may contradict others because one of these was written: itself, what
-- belongs to it, the guest's requests for the same nights, and requests that read as
-- confirmed while something else has nights of theirs. Of these long stays are left to
-- the walk through all rows. Open and confirmed ones are looked up apart: an index has the
-- open ones alone.
with taken as (
    select b.property_id, b.check_in, b.check_out
    from bookings b
    where b.tenant_id = :tenant
      and b.id = any (:rows)
    union
    select i.property_id, i.start_date, i.end_date
    from inventory_ranges i
    where i.tenant_id = :tenant
      and i.id = any (:rows)
)
select 'request' as subject, r.id
from {requests} r
where r.tenant_id = :tenant
  and (r.id = any (:rows) or r.approved_booking_id = any (:rows))
union
select 'request', r.id
from bookings b
join {requests} r
    on r.tenant_id = b.tenant_id
    and r.guest_id = b.guest_id
    and r.property_id = b.property_id
    and r.check_in = b.check_in
    and r.check_out = b.check_out
where b.tenant_id = :tenant
  and b.id = any (:rows)
union
select 'request', r.id
from taken
join {requests} r
    on r.tenant_id = :tenant
    and r.property_id = taken.property_id
    and r.check_in < taken.check_out
    and r.check_in > greatest(taken.check_in, {first_day}) - {short_stay}
    and r.check_out > taken.check_in
    and {open}
    and (r.confirmed_at is not null or r.approved_booking_id is not null)
union
select 'request', r.id
from taken
join {requests} r
    on r.tenant_id = :tenant
    and r.property_id = taken.property_id
    and r.check_in < taken.check_out
    and r.check_in > greatest(taken.check_in, {first_day}) - {short_stay}
    and r.check_out > taken.check_in
    and {confirmed_beside}
union
select 'booking', b.id
from bookings b
where b.tenant_id = :tenant
  and b.id = any (:rows)
union
select 'range', i.id
from inventory_ranges i
where i.tenant_id = :tenant
  and (i.id = any (:rows) or i.source_id = any (:rows))
union
select 'property', p.id
from properties p
where p.tenant_id = :tenant
  and p.id = any (:rows)
union
select 'customer', c.id
from customers c
where c.tenant_id = :tenant
  and c.id = any (:rows)
union
select source.subject, i.source_id
from inventory_ranges i
cross join (values ('request'), ('booking')) as source (subject)
where i.tenant_id = :tenant
  and i.id = any (:rows)
  and i.source_id is not null
