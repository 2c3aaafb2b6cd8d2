insert into identity.recovery_codes (user_id, code_hash, created_at)
select :user, code_hash, :at
from unnest(:hashes) as made (code_hash)
