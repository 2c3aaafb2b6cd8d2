-- The next bookings of a walk through all of them, and whether each may contradict
-- something.
-- The look is a value, not an `exists`: a generic plan would read the other table whole
-- to answer that.
select
    b.id,
    case
        when b.deleted_at is not null then {blocking}
        when {freed_in_the_way} then true
        when {unreadable.bookings} <> array[]::text[] then true
        when b.status in ({status.confirmed}, {status.checked_in})
            then {covered_nights} < b.check_out - b.check_in
        else false
    end as suspect
from bookings b
where b.tenant_id = :tenant
  and b.id > :after_id
order by b.id
limit :most
