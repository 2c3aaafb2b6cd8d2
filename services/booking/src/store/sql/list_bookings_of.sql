-- Of one property or guest, or of the tenant, along an index. So many are looked at and
-- no more, whatever else is asked of them: those that match are the page, and the list
-- goes on after the last one that was looked at. Long stays are found as in the list of
-- all.
with long as materialized ( -- if :stay_from
    select b.id, b.property_id, b.guest_id, b.check_in, b.check_out, b.status, b.deleted_at -- if :stay_from
    from bookings b -- if :stay_from
    where b.tenant_id = :tenant -- if :stay_from
      and {long_booking} -- if :stay_from
) -- if :stay_from
select {booking_names}, page.found, page.is_last
from (
    select b.id as row_id, b.found, b.place = :looked as is_last
    from (
        select
            b.id,
            b.check_in,
            (
                b.deleted_at is null
                and (:statuses is null or b.status = any (:statuses) or :unknown and {is_unknown_booking})
                and (:of_property is null or b.property_id = :of_property)
                and b.check_out > :stay_from -- if :stay_from
                and (:stay_to is null or b.check_in < :stay_to)
            ) is true as found,
            row_number() over (order by b.check_in, b.id) as place
        from (
            (
                select b.id, b.property_id, b.check_in, b.check_out, b.status, b.deleted_at
                from bookings b
                where b.tenant_id = :tenant
                  and b.property_id = :property -- if :property
                  and b.guest_id = :guest -- if :guest
                  and (b.check_in, b.id) > (greatest(:after_check_in, :stay_from - {short_stay}), :after_id)
                  and b.check_in > :stay_from - {short_stay} -- if :stay_from
                  and b.check_in <= least(:stay_to, 'infinity')
                order by b.check_in, b.id
                limit :looked
            )
            union all -- if :stay_from
            ( -- if :stay_from
                select b.id, b.property_id, b.check_in, b.check_out, b.status, b.deleted_at -- if :stay_from
                from long b -- if :stay_from
                where (b.check_in, b.id) > (:after_check_in, :after_id) -- if :stay_from
                  and (:property is null or b.property_id = :property) -- if :stay_from
                  and (:guest is null or b.guest_id = :guest) -- if :stay_from
            ) -- if :stay_from
        ) as b
    ) as b
    where b.place <= :looked
      and (b.found or b.place = :looked)
    order by b.check_in, b.id
    limit :most
) as page
cross join lateral (
    select {booking_columns}
    from bookings b
    where b.tenant_id = :tenant
      and b.id = page.row_id
    limit 1
) as b
order by b.check_in, b.id
