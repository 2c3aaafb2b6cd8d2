select {signing_key}
from identity.signing_keys
where state <> :retired
order by created_at, kid
for update
