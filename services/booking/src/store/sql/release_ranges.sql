-- Ranges that name the request itself; the booking gets one of its own.
{free_ranges}
      and i.source_id = :request
