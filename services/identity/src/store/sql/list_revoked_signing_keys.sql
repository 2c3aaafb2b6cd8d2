select kid
from identity.signing_keys
where revoked_at is not null
