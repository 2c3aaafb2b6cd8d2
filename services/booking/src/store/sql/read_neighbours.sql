-- The last day of departure before a stay and the first arrival after it, as far as
-- they may be closer than some days. Of other guests: a guest who stays on
-- needs no empty night, and one who is not known may be another. Of what is sold: what only
-- asks or holds is held against this in its own approval.
select
    (
        select max(b.check_out)
        from bookings b
        where b.tenant_id = :tenant
          and b.property_id = :property
          and b.check_in < :check_in
          and b.check_in >= {earliest_neighbour}
          and b.check_out <= :check_in
          and b.check_out > :check_in - :days
          and (b.guest_id = :guest) is not true
          and (b.status in ({sold})) is true
          and b.deleted_at is null
    ) as before,
    (
        select min(b.check_in)
        from bookings b
        where b.tenant_id = :tenant
          and b.property_id = :property
          and b.check_in >= :check_out
          and b.check_in < :check_out + :days
          and (b.guest_id = :guest) is not true
          and (b.status in ({sold})) is true
          and b.deleted_at is null
    ) as after
