from {requests} r
    where r.tenant_id = :tenant
      and r.property_id = :property
      and r.id <> :id
      and {open}
      and r.confirmed_at is null
      and r.approved_booking_id is null
      and r.guest_id is distinct from :guest
      and {requests_overlap}
      and {live}
