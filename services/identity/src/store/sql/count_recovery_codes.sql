select count(*) as left
from identity.recovery_codes
where user_id = :user
