settled as (
    select
        (select count(*) from booked) + (select count(*) from ranged)
        + (select count(*) from confirmed) as writes
)
