-- The last statement of an approve, after the booking: whatever that had to wait for,
-- these events come after it in the feed. Those that are being decided by somebody else
-- are skipped: the constraint tells that decision, and two approvals cannot wait for
-- each other here.
with competing as (
    select r.id
    {competing}
    order by r.id
    for update skip locked
),
declined as (
    update {requests} r
    set
        status = {status.declined},
        decline_reason = {decline.words.dates_taken},
        decline_reason_code = {decline.dates_unavailable},
        {decider} = {acting_user},
        decider_kind = {actor.system},
        decider_id = null,
        row_version = {next_version.r},
        updated_at = {later.r}
    from competing
    where r.tenant_id = :tenant
      and r.id = competing.id
    returning r.tenant_id, r.id, r.property_id, r.updated_at
),
settled as (
    select count(*) as writes
    from declined
)
{insert_event}
select tenant_id, gen_random_uuid(), updated_at, id, null, property_id, {event.auto_declined}, '', {by_itself}
from declined, settled
