with reviewed as (
    update {requests} r
    set
        status = 'under_review',
        {note} = {noted $3},
        row_version = r.row_version + 1,
        updated_at = $4
    where r.tenant_id = $1
      and r.id = $2
      and {open}
    returning r.tenant_id, r.id, r.property_id
)
insert into booking_events (tenant_id, id, at, booking_request_id, property_id, action, actor)
select tenant_id, $6, $4, id, property_id, 'review_started', $5
from reviewed
returning id
