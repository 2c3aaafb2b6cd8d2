select id, code, rotated_at, used_at, dropped_at
from identity.master_keys
order by rotated_at, id
for update
