select {user}, u.password_hash, u.password_version
from identity.users u
where u.email = :email
