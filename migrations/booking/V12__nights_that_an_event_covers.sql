-- An event of an approval or a healing keeps the nights that were asked for and those
-- of the booking that fulfils the request, so that a history goes on telling what was
-- covered then when a stay is changed later. Null in other events, and in those from
-- before. Columns without a default: no row is written, and services of the version
-- before go on as they are.
alter table booking_events
    add column asked_check_in date,
    add column asked_check_out date,
    add column given_check_in date,
    add column given_check_out date;
