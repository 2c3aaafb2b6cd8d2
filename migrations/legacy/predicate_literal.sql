-- Fixture: the constraint of the single-table layout as the runbook quotes it. It
-- is the one that a migrated database has; an open request holds its dates.
alter table bookings drop constraint no_double_bookings;
alter table bookings add constraint no_double_bookings exclude using gist (
    tenant_id with =,
    property_id with =,
    daterange(check_in, check_out) with &&
) where (status not in ('cancelled', 'declined', 'no_show'));
