with reviewed as (
    update {requests} r
    set
        status = {status.under_review},
        {note} = {noted},
        row_version = {next_version.r},
        updated_at = :at
    where r.tenant_id = :tenant
      and r.id = :id
      and {open}
    returning r.tenant_id, r.id, r.property_id
),
settled as (
    select count(*) as writes
    from reviewed
)
{insert_event}
select tenant_id, :event, :at, id, null, property_id, {event.review_started}, '', {by}
from reviewed, settled
returning id
