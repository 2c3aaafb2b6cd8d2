-- Everything around a request that bears on its approval, part by part. What is in the
-- way and what accounts for it is not decided here.
with linked as (
    select b.id, b.guest_id, b.property_id, b.status, b.check_in, b.check_out
    from bookings b
    where b.tenant_id = :tenant
      and b.id = :linked
      and b.deleted_at is null
    {share}
),
-- The hold, also one whose dates are not those of the request any more: it is given up.
held as (
    select
        b.id, b.guest_id, b.property_id, b.status, b.check_in, b.check_out,
        case
            when b.property_id = :property and (b.check_in, b.check_out) = (:check_in, :check_out) then 'held'
            else 'moved_hold'
        end as part
    from bookings b
    where b.tenant_id = :tenant
      and b.id = :held
      and (b.status = {status.requested}) is true
      and b.guest_id = :guest
    {share}
),
related as (
    select b.id, b.guest_id, b.property_id, b.status, b.check_in, b.check_out
    from bookings b
    where b.tenant_id = :tenant
      and b.guest_id = :guest
      and b.property_id = :property
      and b.check_in = :check_in
      and b.check_out = :check_out
      and (b.status in ({sold})) is true
      and b.id <> :id
      and b.deleted_at is null
    order by b.id
    limit 1
    {share}
),
own as (
    select b.id, b.guest_id, b.property_id, b.status, b.check_in, b.check_out
    from bookings b
    where b.tenant_id = :tenant
      and {made_for}
      and (b.status in ({once_sold})) is true
    order by b.created_at desc
    limit 1
    {share}
),
-- The linked booking as it was booked, when its guest has left before the last night.
booked as (
    select b.id, b.check_in, b.booked_check_out
    from bookings b
    where b.tenant_id = :tenant
      and b.id = :linked
      and b.booked_check_out > b.check_out
      and b.deleted_at is null
),
-- What is deleted and still in the constraint is in the way and fulfils nothing.
rivals as (
    select
        b.id, case when b.deleted_at is null then b.guest_id end as guest_id,
        b.property_id, b.status, b.check_in, b.check_out,
        case when b.deleted_at is null then 'rival' else 'deleted_rival' end as part
    from bookings b
    where b.tenant_id = :tenant
      and b.property_id = :property
      and {bookings_overlap}
      and {blocking}
      and b.id <> :id
      and b.id not in (select id from held)
    order by b.check_in, b.id
    {share}
),
-- One of another property, or of nights that were not asked for, says nothing of these.
own_ranges as (
    select i.id, i.kind, i.start_date, i.end_date, i.source_id
    from inventory_ranges i
    where i.tenant_id = :tenant
      and i.source_id = :id
      and i.property_id = :property
      and i.start_date < :check_out
      and i.end_date > :check_in
      and i.kind::text = {range.booking}
      and {active}
    limit 1
),
ranges as (
    select i.id, i.kind, i.start_date, i.end_date, i.source_id
    from inventory_ranges i
    where i.tenant_id = :tenant
      and i.property_id = :property
      and {ranges_overlap}
      and {active}
    order by i.start_date, i.id
),
-- Bookings of the guest that may fulfil the request and have no range of their own.
rangeless as (
    select b.id, b.property_id, b.check_in, b.check_out
    from (
        select * from linked
        union
        select * from related
        union
        select id, guest_id, property_id, status, check_in, check_out from rivals
    ) as b
    where b.guest_id = :guest
      and b.property_id = :property
      and b.status in ({sold})
      and b.id <> :id
      and {has_no_range}
),
-- A range of the request itself with nights of it, or its hold, is given up.
obstacles as (
    select i.id, i.kind, i.start_date, i.end_date, b.id as source_id
    from rangeless b
    cross join lateral (
        {earliest_range_of_b}
    ) as earliest
    join inventory_ranges i
        on i.tenant_id = :tenant
        and i.property_id = :property
        and i.start_date < b.check_out
        and i.end_date > b.check_in
        and i.start_date >= earliest.first_day
        and {active}
    where i.kind::text <> {range.booking}
       or i.source_id is null
       or i.source_id = :id and (i.start_date < :check_out and i.end_date > :check_in) is not true
       or i.source_id <> :id and i.source_id not in (select id from held)
),
healed as (
    select e.evidence
    from booking_events e
    where e.tenant_id = :tenant
      and e.booking_request_id = :id
      and e.action::text = {event.healed}
    order by e.at desc, e.id desc
    limit 1
)
-- What is read of them; who locks leaves this out.
select
    'linked' as part, id, guest_id, property_id, status as word, check_in as start_date, check_out as end_date,
    null::uuid as source_id
from linked
union all
select part, id, guest_id, property_id, status, check_in, check_out, null from held
union all
select 'related', id, guest_id, property_id, status, check_in, check_out, null from related
union all
select 'own', id, guest_id, property_id, status, check_in, check_out, null from own
union all
select 'booked', id, null, null, null, check_in, booked_check_out, null from booked
union all
select part, id, guest_id, property_id, status, check_in, check_out, null from rivals
union all
select 'own_range', id, null, null, kind::text, start_date, end_date, source_id from own_ranges
union all
select 'range', id, null, null, kind::text, start_date, end_date, source_id from ranges
union all
select 'obstacle', id, null, null, kind::text, start_date, end_date, source_id from obstacles
union all
select 'healed', null, null, null, evidence::text, null, null, null from healed
