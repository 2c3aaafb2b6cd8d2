insert into booking_events ({event_written})
