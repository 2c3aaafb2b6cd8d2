select {user}
from identity.users u
where u.id = :user
for no key update
