-- The single-table layout has no ON CONFLICT for its UPDATE, so whoever changes
-- what a property's dates are taken by goes one after the other.
select pg_advisory_xact_lock(hashtextextended(b.tenant_id::text || ':' || b.property_id::text, 0))
from bookings b
where b.tenant_id = :tenant
  and b.id = :row
