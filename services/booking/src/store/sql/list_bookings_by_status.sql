-- Of the tenant: one walk along an index per status, merged: as flat for a rare
-- status as for a common one. Long stays are found as in the list of all.
with {long_bookings}
select {booking_names}
from (
    select b.*
    from unnest(:statuses) as asked (of_status)
    cross join lateral (
        select {booking_columns}
        from bookings b
        where b.tenant_id = :tenant
          and b.status = asked.of_status
          and (b.check_in, b.id) > (greatest(:after_check_in, :stay_from - {short_stay}), :after_id)
          and b.deleted_at is null
          and b.check_in > :stay_from - {short_stay} -- if :stay_from
          and b.check_out > :stay_from -- if :stay_from
          and b.check_in < :stay_to -- if :stay_to
        order by b.check_in, b.id
        limit :most
    ) as b
    union all -- if :stay_from
    ( -- if :stay_from
        select {booking_names} -- if :stay_from
        from long b -- if :stay_from
        where b.status = any (:statuses) -- if :stay_from
          and (b.check_in, b.id) > (:after_check_in, :after_id) -- if :stay_from
          and b.check_in < coalesce(:stay_to, 'infinity') -- if :stay_from
    ) -- if :stay_from
) as b
order by check_in, id
limit :most
