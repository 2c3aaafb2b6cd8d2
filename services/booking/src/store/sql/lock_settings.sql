select {settings_columns}
from booking_settings
where tenant_id = :tenant
for update
