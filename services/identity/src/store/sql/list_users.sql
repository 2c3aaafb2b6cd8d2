select {user}
from identity.users u
where (u.email, u.id) > (:after_email, :after_id)
order by u.email, u.id
limit :limit
