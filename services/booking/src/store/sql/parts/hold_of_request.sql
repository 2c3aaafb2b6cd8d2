from booking_requests r
    where r.tenant_id = :tenant
      and r.id = :id
      and b.tenant_id = :tenant
      and b.id = r.held_booking_id
      and (b.status = {status.requested}) is true
      and b.guest_id = r.guest_id
