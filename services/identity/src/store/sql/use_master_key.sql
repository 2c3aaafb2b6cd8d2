update identity.master_keys
set used_at = :at
where id = :id
