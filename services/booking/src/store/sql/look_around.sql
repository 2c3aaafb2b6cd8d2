-- Everything around a request that bears on its approval. The condition of the
-- rivals repeats the constraint's, or its index is not used.
with linked as (
    select b.id, b.guest_id, b.status, b.check_in, b.check_out
    from bookings b
    where b.tenant_id = $1
      and b.id = $6
      and b.id <> $2
      and b.deleted_at is null
    {share}
),
held as (
    select b.id, b.guest_id, b.status, b.check_in, b.check_out
    from bookings b
    where b.tenant_id = $1
      and b.id = $7
      and (b.status = 'requested') is true
    {share}
),
related as (
    select b.id, b.guest_id, b.status, b.check_in, b.check_out
    from bookings b
    where b.tenant_id = $1
      and b.guest_id = $8
      and b.property_id = $3
      and b.check_in = $4
      and b.check_out = $5
      and (b.status in ('confirmed', 'checked_in', 'checked_out')) is true
      and b.id <> $2
      and b.deleted_at is null
    order by b.id
    limit 1
    {share}
),
rivals as (
    select b.id, b.guest_id, b.status, b.check_in, b.check_out
    from bookings b
    where b.tenant_id = $1
      and b.property_id = $3
      and daterange(b.check_in, b.check_out) && daterange($4, $5)
      and {blocking}
      and b.id <> $2
      and b.id is distinct from $7
    order by b.check_in, b.id
    {share}
),
own_ranges as (
    select i.id, i.kind, i.start_date, i.end_date
    from inventory_ranges i
    where i.tenant_id = $1
      and i.source_id = $2
      and i.kind = 'booking'
      and (i.state = 'active') is true
    limit 1
),
strays as (
    select i.id, i.kind, i.start_date, i.end_date
    from inventory_ranges i
    where i.tenant_id = $1
      and i.property_id = $3
      and daterange(i.start_date, i.end_date) && daterange($4, $5)
      and i.state = 'active'
      and (
          i.source_id is null
          or i.source_id not in (
              select $2::uuid
              union all
              select id from held
              union all
              select id from linked
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
    where e.tenant_id = $1
      and e.booking_request_id = $2
      and e.action = 'healed'
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
