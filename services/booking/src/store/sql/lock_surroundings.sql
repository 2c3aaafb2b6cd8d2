-- The bookings around a request, locked against change, so that what is decided by them
-- stays true until it is stored. What they tell is read afterwards, by a statement of
-- its own: who had to wait for a lock has the rest from before the wait.
{surroundings.locked}
select id from linked
union
select id from held
union
select id from related
union
select id from own
union
select id from rivals
