update identity.master_keys
set dropped_at = :at
where dropped_at is null
  and id <> all (:listed)
