-- Ranges that name the request itself and have nights of it. In the standard layout its
-- booking gets one of its own; in the single table, the row that becomes the booking keeps
-- the one that fits it. Those elsewhere are left to who looks through the inconsistencies.
{free_ranges}
      and i.source_id = :request
      and i.property_id = :property
      and i.start_date < :check_out
      and i.end_date > :check_in
      and (:keeps and (i.start_date, i.end_date) = (:check_in, :check_out)) is not true
