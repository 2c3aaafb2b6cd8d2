select {user}
from identity.users u
where (u.email, u.id) > (:after_email, :after_id)
  and u.deleted_at is null
order by u.email, u.id
limit :limit
