select id, user_id, secret_sealed
from identity.factors
where id > :after
order by id
limit :most
