insert into booking_events (overridden_rules, {nights}, {event_written})
select :overridden, check_in, check_out, check_in, check_out, tenant_id, :event, :at, id, id, property_id, :kind, :evidence, {by}
from booked, settled
returning booking_id
