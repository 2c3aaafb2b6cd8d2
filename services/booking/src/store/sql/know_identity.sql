-- The one that was asked first, be it now.
with first_one as (
    insert into frontdesk_booking_identity (database_id)
    values (:database)
    on conflict on constraint frontdesk_booking_identity_pkey do nothing
    returning database_id
)
select f.database_id
from first_one f
union all
select k.database_id
from frontdesk_booking_identity k
