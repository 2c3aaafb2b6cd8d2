and r.property_id = :property -- if :property
      and r.guest_id = :guest -- if :guest
