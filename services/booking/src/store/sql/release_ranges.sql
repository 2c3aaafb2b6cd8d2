-- Ranges that name the request itself. In the standard layout its booking gets one
-- of its own; in the single table, the row that becomes the booking keeps the one
-- that fits it.
{free_ranges}
      and (i.property_id, i.start_date, i.end_date) is distinct from (:property, :check_in, :check_out) -- if :property
      and i.source_id = :request
