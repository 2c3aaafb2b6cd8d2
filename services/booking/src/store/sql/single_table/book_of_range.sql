-- The row of a request of which a range says that it was approved before becomes the booking,
-- and keeps the range that fits it; one of other nights ends. The constraint refuses the update
-- when the dates are taken. The booking comes first, as in every statement that stores one:
-- whoever ended the range before would wait for a booking, whose statement waits for the nights
-- of that range.
with {row_booked}
-- Those that have nights of it. Those elsewhere are left to who looks through the
-- inconsistencies.
freed_ranges as (
    {free_ranges}
      and i.source_id = :id
      and exists (
          select
          from booked
          where booked.property_id = i.property_id
            and booked.check_in < i.end_date
            and booked.check_out > i.start_date
            and (booked.check_in, booked.check_out) <> (i.start_date, i.end_date)
      )
    returning i.id
),
ranged as (
    {insert_range}
    from booked b
    -- After those of other nights have ended, whose nights it needs.
    where (select count(*) from freed_ranges) >= 0
      and not exists (
          select
          from inventory_ranges i
          where i.tenant_id = :tenant
            and i.source_id = b.id
            and i.property_id = b.property_id
            and (i.start_date, i.end_date) = (b.check_in, b.check_out)
            and i.kind::text = {range.booking}
            and {active}
      )
    returning id
),
settled as (
    select
        (select count(*) from booked) + (select count(*) from freed_ranges)
        + (select count(*) from ranged) as writes
)
{row_told}
