select listed, said_at
from identity.master_key_lists
where said_at > :since
order by said_at, process
