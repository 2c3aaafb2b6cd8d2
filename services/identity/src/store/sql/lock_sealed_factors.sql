select id, user_id, secret_sealed
from identity.factors
where id > :after
  and secret_sealed is not null
order by id
limit :most
for update
