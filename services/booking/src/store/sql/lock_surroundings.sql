-- The bookings around a request, locked against change, so that what is decided by them
-- stays true until it is stored. What they tell is read afterwards, by a statement of
-- its own: who had to wait for a lock has the rest from before the wait.
{surroundings.locked}
{surroundings.locked_ids}
