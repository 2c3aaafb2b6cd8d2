-- Ranges that name the request itself and have nights of it. What fulfils it has one of its
-- own. Those elsewhere are left to who looks through the inconsistencies.
{free_ranges}
      and i.source_id = :request
      and i.property_id = :property
      and i.start_date < :check_out
      and i.end_date > :check_in
