-- What is nobody's history is deleted once its feed has forgotten it, so the sweeper sees
-- how far each feed has.
grant select (forgotten) on feed_heads to frontdesk_booking_sweeper;
