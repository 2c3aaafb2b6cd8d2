-- No row when there is no such property or guest, the guest is archived, something
-- has nights of the stay, or the external id is that of a booking.
with {guest},
booked as (
    insert into bookings as b (
        tenant_id, id, property_id, guest_id, check_in, check_out, status, confirmed_at, approved_by,
        source, external_id, created_at, updated_at
    )
    select
        p.tenant_id, :id, p.id, :guest, :check_in, :check_out, {status.confirmed}, :at, {acting_user},
        :source, :external_id, :at, :at
    from properties p
    where p.tenant_id = :tenant
      and p.id = :property
      and exists (select from guest) -- if :guest
      and not exists (
          select
          from bookings b
          where b.tenant_id = :tenant
            and b.property_id = :property
            and {bookings_overlap}
            and {blocking}
      )
    on conflict do nothing
    returning b.tenant_id, {booking_columns}
),
ranged as (
    {insert_range}
    from booked b
    returning id
),
settled as (
    select (select count(*) from booked) + (select count(*) from ranged) as writes
),
event as (
    insert into booking_events (overridden_rules, {event_written})
    select :overridden, tenant_id, :event, :at, booking_request_id, id, property_id, {event.booking_created}, '', {by}
    from booked, settled
)
select {booking_names}
from booked
