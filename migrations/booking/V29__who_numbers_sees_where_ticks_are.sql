-- Whoever numbers events sees whether the sequence of ticks is behind them, as rows leave it
-- that are copied in while the system runs. Suits the code before it, which does not look.

grant select on sequence booking_event_ticks to frontdesk_booking_feed;
