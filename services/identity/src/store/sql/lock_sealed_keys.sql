select kid, private_key_sealed, state <> :retired as is_needed
from identity.signing_keys
where kid > :after
order by kid
limit :most
for update
