-- The row waits for a decision: as it is if it is open, else under review. Another
-- row that it was linked to stays as it is.
update bookings r
set
    status = case when {open} then r.status else {status.under_review} end,
    confirmed_at = null,
    approved_booking_id = null,
    {decides},
    internal_notes = {noted},
    row_version = coalesce(r.row_version, 0) + 1,
    updated_at = :at
where r.tenant_id = :tenant
  and r.id = :id
