-- A statement of its own, never inside a change: whoever notifies waits for everybody
-- else who notifies until his commit.
select pg_notify('frontdesk_booking_events', :said)
