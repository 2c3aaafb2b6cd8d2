update identity.master_key_lists
set said_at = :at
where process = :process
returning process
