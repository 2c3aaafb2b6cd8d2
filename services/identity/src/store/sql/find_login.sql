select {user}, u.password_hash, u.password_version
from identity.users u
where u.email = any (:stored)
order by array_position(:stored, u.email)
limit 1
