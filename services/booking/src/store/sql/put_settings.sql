with stored as (
    insert into booking_settings (tenant_id, auto_decline, updated_at)
    values (:tenant, :auto_decline, :at)
    on conflict on constraint booking_settings_pkey do update
    set auto_decline = excluded.auto_decline, updated_at = excluded.updated_at
    where not :only_new
    returning tenant_id, {settings_columns}
),
settled as (
    select count(*) as writes
    from stored
),
event as (
    {insert_event}
    select tenant_id, :event, :at, null, null, null, {event.settings_updated}, '', {by}
    from stored, settled
)
select {settings_columns}
from stored
