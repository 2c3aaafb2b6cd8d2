-- Several requests, each as `standard/book` books one out of nothing. One whose dates are
-- taken, or of which a range says that it was approved before, is left out, and nothing
-- of it is stored. All servers take stays in the same order, so that two that book at
-- once cannot wait for each other in a circle. The plan must not depend on how many there
-- are, or it would be made anew for each few: so the array of ids is hidden from it.
with item as (
    select id, booking, range, event, at, actor_kind, actor_id, actor_user, note
    from unnest((select :ids), :bookings, :ranges, :events, :times, :actor_kinds, :actor_ids, :actor_users, :notes)
        as item (id, booking, range, event, at, actor_kind, actor_id, actor_user, note)
),
booked as (
    insert into bookings (
        tenant_id, id, booking_request_id, property_id, guest_id, check_in, check_out,
        status, confirmed_at, approved_by, created_at, updated_at
    )
    select
        r.tenant_id, item.booking, r.id, r.property_id, r.guest_id, r.check_in, r.check_out, {status.confirmed},
        item.at, {each.acting_user}, item.at, item.at
    from booking_requests r
    join item on item.id = r.id
    where r.tenant_id = :tenant
      and r.id = any (array(select id from item))
      -- Not by `not exists`, of which row-level security makes a join of the whole index.
      and (
          select i.id
          from inventory_ranges i
          where i.tenant_id = :tenant
            and i.source_id = r.id
            and i.property_id = r.property_id
            and i.start_date < r.check_out
            and i.end_date > r.check_in
            and i.kind::text = {range.booking}
            and {active}
          limit 1
      ) is null
    order by r.property_id, r.check_in, r.id
    on conflict on constraint {constraint.no_double_bookings} do nothing
    returning tenant_id, id, booking_request_id, property_id, check_in, check_out, confirmed_at
),
ranged as (
    {each.insert_range}
    from booked b
    join item on item.booking = b.id
    returning id
),
confirmed as (
    update booking_requests r
    set
        status = {status.confirmed},
        confirmed_at = b.confirmed_at,
        approved_booking_id = b.id,
        held_booking_id = null,
        hold_expires_at = null,
        {each.decided}
    from booked b
    join item on item.booking = b.id
    where r.tenant_id = :tenant
      and r.id = any (array(select id from item))
      and r.id = item.id
    returning r.id
),
{booking_settled}
insert into booking_events ({nights}, {event_written})
select
    b.check_in, b.check_out, b.check_in, b.check_out,
    b.tenant_id, item.event, item.at, item.id, b.id, b.property_id, {event.approved}, '', {each.by}
from booked b
join item on item.booking = b.id
cross join settled
returning booking_id
