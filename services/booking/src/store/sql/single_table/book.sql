-- The request's own row becomes the booking. The constraint refuses the update
-- when the dates are taken.
with {row_booked}
ranged as (
    {insert_range}
    from booked b
    where {has_no_range}
    returning id
),
settled as (
    select
        (select count(*) from booked) + (select count(*) from ranged) as writes
)
{row_told}
