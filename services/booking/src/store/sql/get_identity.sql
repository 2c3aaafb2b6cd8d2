-- The database of identity that was asked first.
select k.database_id
from frontdesk_booking_identity k
where k.only_row
