select pg_advisory_xact_lock(hashtextextended('booking_event_ticks', 0))
