update identity.sessions
set second_method = null, second_at = null
where id = :id
