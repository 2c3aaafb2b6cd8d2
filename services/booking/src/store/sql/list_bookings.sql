-- Of the tenant. From a date on, most stays that have not ended began in the month
-- before; those that are longer have an index of their own, and are looked for before
-- anything else is asked of them: or a plan may look for them among all.
with {long_bookings}
select {booking_names}
from (
    (
        select {booking_columns}
        from bookings b
        where b.tenant_id = :tenant
          and (b.check_in, b.id) > (greatest(:after_check_in, :stay_from - {short_stay}), :after_id)
          and b.deleted_at is null
          and {is_unknown_booking} and :unknown -- if :unknown
          and b.check_in > :stay_from - {short_stay} -- if :stay_from
          and b.check_out > :stay_from -- if :stay_from
          and b.check_in < :stay_to -- if :stay_to
        order by b.check_in, b.id
        limit :most
    )
    union all -- if :stay_from
    ( -- if :stay_from
        select {booking_names} -- if :stay_from
        from long b -- if :stay_from
        where (b.check_in, b.id) > (:after_check_in, :after_id) -- if :stay_from
          and b.check_in < coalesce(:stay_to, 'infinity') -- if :stay_from
          and (:unknown is null or {is_unknown_booking}) -- if :stay_from
    ) -- if :stay_from
) as b
order by check_in, id
limit :most
