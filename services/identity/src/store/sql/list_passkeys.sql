select {passkey}
from identity.passkeys p
where p.user_id = :user
order by p.factor_id
