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
from booking_requests
where tenant_id = $1
  and id = $2
