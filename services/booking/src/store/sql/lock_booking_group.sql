-- The requests that a booking is about, in the order of their ids, so that two who cancel
-- cannot wait for each other.
{booking_group}
order by r.id
for update
