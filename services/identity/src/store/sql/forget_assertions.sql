delete from identity.used_assertions
where expires_at < :now
