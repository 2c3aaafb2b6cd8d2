with stored as (
    insert into booking_requests (
        tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, message,
        created_at, updated_at
    )
    values ($1, $2, $3, $4, $5, $6, 'requested', $7, $8, $9, $9)
    returning
        tenant_id, id, property_id, guest_id, check_in, check_out, status, guest_count, message,
        internal_note, decline_reason, approved_booking_id, confirmed_at, decided_by, row_version,
        created_at, updated_at
),
event as (
    insert into booking_events (tenant_id, id, at, booking_request_id, action, actor)
    select tenant_id, $10, $9, id, 'created', $11
    from stored
)
select
    id,
    property_id,
    guest_id,
    check_in,
    check_out,
    status,
    guest_count,
    message,
    internal_note,
    decline_reason,
    approved_booking_id,
    confirmed_at,
    decided_by,
    row_version,
    created_at,
    updated_at
from stored
