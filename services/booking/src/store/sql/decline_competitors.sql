-- Those that are being decided by somebody else are skipped: the constraint tells
-- that decision, and two approvals cannot wait for each other here.
with competing as (
    select r.id
    from {requests} r
    where r.tenant_id = $1
      and r.property_id = $3
      and r.id <> $2
      and {open}
      and r.confirmed_at is null
      and r.approved_booking_id is null
      and r.guest_id is distinct from $4
      and daterange(r.check_in, r.check_out) && daterange($5, $6)
      and {live}
    order by r.id
    for update skip locked
),
declined as (
    update {requests} r
    set
        status = 'declined',
        decline_reason = 'dates_taken',
        {decider} = $8,
        row_version = r.row_version + 1,
        updated_at = greatest($7::timestamptz, r.updated_at + interval '1 microsecond')
    from competing
    where r.tenant_id = $1
      and r.id = competing.id
    returning r.tenant_id, r.id, r.property_id, r.updated_at
)
insert into booking_events (tenant_id, id, at, booking_request_id, property_id, action, actor)
select tenant_id, gen_random_uuid(), updated_at, id, property_id, 'auto_declined', $8
from declined
