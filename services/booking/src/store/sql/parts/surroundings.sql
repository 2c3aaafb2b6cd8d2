-- Everything around a request that bears on its approval. The condition of the
-- rivals repeats the constraint's, or its index is not used.
with linked as (
    select b.id, b.guest_id, b.status, b.check_in, b.check_out
    from bookings b
    where b.tenant_id = :tenant
      and b.id = :linked
      and b.id <> :id
      and b.deleted_at is null
    {share}
),
held as (
    select b.id, b.guest_id, b.status, b.check_in, b.check_out
    from bookings b
    where b.tenant_id = :tenant
      and b.id = :held
      and (b.status = {status.requested}) is true
    {share}
),
related as (
    select b.id, b.guest_id, b.status, b.check_in, b.check_out
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
rivals as (
    select b.id, b.guest_id, b.status, b.check_in, b.check_out
    from bookings b
    where b.tenant_id = :tenant
      and b.property_id = :property
      and daterange(b.check_in, b.check_out) && daterange(:check_in, :check_out)
      and {blocking}
      and b.id <> :id
      and b.id is distinct from :held
    order by b.check_in, b.id
    {share}
),
own_ranges as (
    select i.id, i.kind, i.start_date, i.end_date
    from inventory_ranges i
    where i.tenant_id = :tenant
      and i.source_id = :id
      and i.kind = 'booking'
      and (i.state = 'active') is true
    limit 1
),
strays as (
    select i.id, i.kind, i.start_date, i.end_date
    from inventory_ranges i
    where i.tenant_id = :tenant
      and i.property_id = :property
      and daterange(i.start_date, i.end_date) && daterange(:check_in, :check_out)
      and i.state = 'active'
      and (
          i.source_id is null
          or i.source_id not in (
              select :id
              union all
              select id from held
              union all
              select id from linked where status in ({sold})
              union all
              select id from related
              union all
              select id from rivals
          )
      )
    order by i.start_date, i.id
),
healed as (
    select e.evidence
    from booking_events e
    where e.tenant_id = :tenant
      and e.booking_request_id = :id
      and e.action = {event.healed}
    order by e.at desc, e.id desc
    limit 1
)
select 'linked' as part, id, guest_id, status as word, check_in as start_date, check_out as end_date from linked
union all
select 'held', id, guest_id, status, check_in, check_out from held
union all
select 'related', id, guest_id, status, check_in, check_out from related
union all
select 'rival', id, guest_id, status, check_in, check_out from rivals
union all
select 'own_range', id, null, kind, start_date, end_date from own_ranges
union all
select 'stray', id, null, kind, start_date, end_date from strays
union all
select 'healed', null, null, evidence, null, null from healed
