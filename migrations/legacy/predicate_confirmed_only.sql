-- Fixture: the constraint of the single-table layout that covers what is sold
-- only, so that open requests may overlap.
alter table bookings drop constraint no_double_bookings;
alter table bookings add constraint no_double_bookings exclude using gist (
    tenant_id with =,
    property_id with =,
    daterange(check_in, check_out) with &&
) where (status in ('pending', 'confirmed', 'checked_in'));
