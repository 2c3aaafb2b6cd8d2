-- Feeds are read for all who watch at once, they forget what is older than they keep,
-- and what is nobody's history is deleted when it is old. Events of requests and
-- bookings are history: their rows stay.
--
-- Almost every event is of a request or a booking, so the index starts all but empty;
-- making it reads the table once, during which events cannot be written (1,000,000
-- events take about a fifth of a second).
create index booking_events_at_idx on booking_events (at)
where booking_request_id is null and booking_id is null;

-- The sweeper finds the feeds and the tenants whose events wait for a number, deletes
-- events that are no history of a request or a booking, never younger ones than 30 days,
-- and keeps the sequence ahead of the ticks that wait for a number. Of events it sees
-- nothing else.
grant select (tenant_id) on feed_heads to frontdesk_booking_sweeper;
create policy sweeper_sees_feeds on feed_heads for select to frontdesk_booking_sweeper
using (true);

grant select (tenant_id, booking_request_id, booking_id, at, number, tick), delete on booking_events
to frontdesk_booking_sweeper;
create policy sweeper_sees_old_events on booking_events for select to frontdesk_booking_sweeper
using (booking_request_id is null and booking_id is null and at < now() - interval '30 days');
create policy sweeper_removes_old_events on booking_events for delete to frontdesk_booking_sweeper
using (booking_request_id is null and booking_id is null and at < now() - interval '30 days');
create policy sweeper_sees_waiting_ticks on booking_events for select to frontdesk_booking_sweeper
using (number is null);
grant select, update on sequence booking_event_ticks to frontdesk_booking_sweeper;

-- Whoever reads for the streams of a process reads the feeds of many tenants, each with
-- few events at a time: a transaction for each would cost more than the events. This role
-- sees the tenants that the transaction names in `app.tenants`, and of them the feed
-- alone. The list is read once for a statement, not for each row.
do $$
begin
    create role frontdesk_booking_feed nologin;
exception
    when duplicate_object or unique_violation then null;
end
$$;
grant frontdesk_booking_feed to frontdesk_booking;
grant select, insert, update on feed_heads to frontdesk_booking_feed;
grant select, update (number) on booking_events to frontdesk_booking_feed;
create policy named_tenants on feed_heads to frontdesk_booking_feed
using (tenant_id in (select unnest(string_to_array(current_setting('app.tenants', true), ','))::uuid))
with check (tenant_id in (select unnest(string_to_array(current_setting('app.tenants', true), ','))::uuid));
create policy named_tenants on booking_events to frontdesk_booking_feed
using (tenant_id in (select unnest(string_to_array(current_setting('app.tenants', true), ','))::uuid))
with check (tenant_id in (select unnest(string_to_array(current_setting('app.tenants', true), ','))::uuid));
