delete from identity.master_key_lists
where process = :process
