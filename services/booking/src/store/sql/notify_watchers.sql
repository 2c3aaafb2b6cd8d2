-- A statement of its own, never inside a change: a session that notifies waits for
-- every other one that has notified and not committed yet.
select pg_notify('frontdesk_booking_events', :said)
