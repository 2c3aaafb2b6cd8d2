select auto_decline, updated_at
from booking_settings
where tenant_id = $1
