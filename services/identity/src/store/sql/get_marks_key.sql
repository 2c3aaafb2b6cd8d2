select marks_key
from identity.revocation_head
