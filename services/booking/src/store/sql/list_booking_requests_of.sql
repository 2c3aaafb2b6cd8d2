-- Requests of one property or guest. One of the three places is given, and with it
-- the order.
select {request_columns}
from {requests} r
where r.tenant_id = :tenant
  and {effective} = any (:statuses)
  and {live}
  {after_place}
  {owner_filters}
  {stay_filters}
{request_order}
limit :most
