update identity.revocation_head
set marks_key = coalesce(marks_key, :key)
returning marks_key
