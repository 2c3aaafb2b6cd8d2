update booking_requests r
set
    guest_count = case when r.guest_count between 1 and 2147483647 then r.guest_count else 1 end,
    message = coalesce(r.message, ''),
    internal_note = coalesce(r.internal_note, ''),
    confirmed_at = case when {nameable.confirmed_at} then r.confirmed_at end,
    hold_expires_at = case
        when {nameable.hold_expires_at} then r.hold_expires_at
        when r.hold_expires_at is not null then :at
    end,
    row_version = {next_version.r},
    created_at = case when {nameable.created_at} then r.created_at else :at end,
    updated_at = :at
where r.tenant_id = :tenant
  and r.id = :id
