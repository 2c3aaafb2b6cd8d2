-- Requests that have no place in the order of a list, since what orders them is missing.
-- The index of these has the condition word for word.
select count(*) as counted
from (
    select
    from {requests} r
    where r.tenant_id = :tenant
      and (r.created_at is null or r.check_in is null)
      and (r.created_at is null or :by_check_in)
      and ({effective} = any (:statuses) or :unknown and {is_unknown}) -- if :statuses
      and {live}
      {owner_filters}
      {stay_filters}
    limit :most
) as counted
