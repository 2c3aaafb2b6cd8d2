-- Followed by the keyset condition and the order, one file each.
select
    id,
    property_id,
    guest_id,
    check_in,
    check_out,
    status,
    guest_count,
    message,
    internal_note,
    decline_reason,
    approved_booking_id,
    confirmed_at,
    decided_by,
    row_version,
    created_at,
    updated_at
from booking_requests
where tenant_id = $1
  and (
      $2::text[] is null
      or case
          when status in ('requested', 'under_review')
              and (confirmed_at is not null or approved_booking_id is not null)
              then 'confirmed'
          else status
      end = any ($2)
  )
  and ($3::uuid is null or property_id = $3)
  and ($4::uuid is null or guest_id = $4)
  and ($5::date is null or check_out > $5)
  and ($6::date is null or check_in < $6)
  and ($7::timestamptz is null or created_at >= $7)
  and ($8::timestamptz is null or created_at < $8)
