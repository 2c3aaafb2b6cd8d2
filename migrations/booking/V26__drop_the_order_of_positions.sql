-- The index by which the version that knew positions reads its feed; since V3 events have
-- ticks, and a number by which they are read. It was a quarter of what an event's number
-- costs, which is written when somebody watches. In a transaction of its own: dropping one
-- waits for whoever uses its table and keeps others out meanwhile. Where processes of that
-- version go on meanwhile, their streams are as right as they were and sort a tenant's
-- events at each look: replace them soon.

drop index if exists booking_events_feed_idx;
