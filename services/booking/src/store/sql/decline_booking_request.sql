with declined as (
    update booking_requests
    set
        status = 'declined',
        decline_reason = $3,
        decided_by = $4,
        internal_note = case
            when $5::text = '' then internal_note
            when internal_note = '' then $5
            else internal_note || e'\n' || $5
        end,
        row_version = row_version + 1,
        updated_at = $6
    where tenant_id = $1
      and id = $2
    returning tenant_id, id
)
insert into booking_events (tenant_id, id, at, booking_request_id, action, actor)
select tenant_id, $7, $6, id, 'declined', $4
from declined
returning id
