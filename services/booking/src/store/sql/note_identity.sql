-- That it is this one, unless another server has noted one.
insert into frontdesk_booking_identity (database_id)
values (:database)
on conflict on constraint frontdesk_booking_identity_pkey do nothing
