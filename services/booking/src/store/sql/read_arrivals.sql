-- The first day from a given one on, and the last of all, on which somebody arrives. A
-- row without a day does not count.
select
    (
        select r.check_in
        from {requests} r
        where r.tenant_id = :tenant
          and {live}
          and r.check_in >= :from_day
        order by r.check_in, r.created_at, r.id
        limit 1
    ) as first_day,
    (
        select r.check_in
        from {requests} r
        where r.tenant_id = :tenant
          and {live}
          and r.check_in <= 'infinity'
        order by r.check_in desc, r.created_at desc, r.id desc
        limit 1
    ) as last_day
