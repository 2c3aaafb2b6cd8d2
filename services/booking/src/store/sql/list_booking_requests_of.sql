-- Requests of one property or guest, or of the tenant, along an index in the order of the
-- list: one of the three places is given, and with it the order. So many are looked at
-- and no more, whatever else is asked of them: those that match are the page, and the
-- list goes on after the last one that was looked at. From a date on, most stays that
-- have not ended by then begin in the month before or later; longer ones have an index of
-- their own. Rows and their bookings are looked up for the page only.
with long as materialized ( -- if :staying_from
    select {looked_at} -- if :staying_from
    from {requests} r -- if :staying_from
    where r.tenant_id = :tenant -- if :staying_from
      and {long_request} -- if :staying_from
) -- if :staying_from
select {request_names}, {linked_columns}, page.found, page.is_last
from (
    select r.id, r.check_in, r.created_at, r.found, r.place = :looked as is_last
    from (
        select
            r.id,
            r.check_in,
            r.created_at,
            (
                r.is_live
                and (:statuses is null or r.effective = any (:statuses) or :unknown and r.is_unknown)
                and (:of_property is null or r.property_id = :of_property)
                and (:stay_from is null or r.check_out > :stay_from)
                and (:stay_to is null or r.check_in < :stay_to)
                and (:created_from is null or r.created_at >= :created_from)
                and (:created_to is null or r.created_at < :created_to)
            ) is true as found,
            row_number() over ({request_order}) as place
        from (
            (
                select {looked_at}
                from {requests} r
                where r.tenant_id = :tenant
                  and r.property_id = :property -- if :property
                  and r.guest_id = :guest -- if :guest
                  {after_creation}
                  and (r.check_in, r.created_at, r.id) > (greatest(:check_in_after, :stay_from - {short_stay}), :beside_created_at, :after_id) -- if :check_in_after
                  and r.created_at is not null -- if :check_in_after
                  and r.created_at >= greatest(:created_from, '-infinity') -- if :created_before
                  and r.created_at <= least(:created_to, 'infinity') -- if :created_after
                  and r.check_in <= least(:stay_to, 'infinity') -- if :check_in_after
                  and r.check_in > :staying_from - {short_stay} -- if :staying_from
                {request_order}
                limit :looked
            )
            union all -- if :staying_from
            ( -- if :staying_from
                select {looked_names} -- if :staying_from
                from long r -- if :staying_from
                where (r.check_in, r.created_at, r.id) > (:check_in_after, :beside_created_at, :after_id) -- if :staying_from
                  and r.created_at is not null -- if :staying_from
                  and (:property is null or r.property_id = :property) -- if :staying_from
                  and (:guest is null or r.guest_id = :guest) -- if :staying_from
            ) -- if :staying_from
        ) as r
    ) as r
    where r.place <= :looked
      and (r.found or r.place = :looked)
    {request_order}
    limit :most
) as page
{requests_of_page}
{request_order}
