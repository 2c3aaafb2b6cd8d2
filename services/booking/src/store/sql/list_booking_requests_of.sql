-- Requests of one property or guest. One of the three places is given, and with it
-- the order. Bookings are looked up for the rows of the page only.
select {request_names}, {linked_columns}
from (
    select {request_columns}
    from {requests} r
    where r.tenant_id = :tenant
      and ({effective} = any (:statuses) or :unknown and {is_unknown}) -- if :statuses
      and {live}
      {after_place}
      {owner_filters}
      {stay_filters}
    {request_order}
    limit :most
) as r
{linked}
{request_order}
