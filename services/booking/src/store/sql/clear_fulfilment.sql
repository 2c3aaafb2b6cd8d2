-- The request waits for a decision: as it is if it is open, else under review. A
-- booking that it was linked to stays as it is.
update {requests} r
set
    status = case when {open} then r.status else {status.under_review} end,
    confirmed_at = null,
    approved_booking_id = null,
    {decided}
where r.tenant_id = :tenant
  and r.id = :id
