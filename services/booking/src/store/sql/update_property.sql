-- Null leaves a column as it is. No row: there is no such property.
with stored as (
    update properties
    set
        name = coalesce(:name, name),
        time_zone = coalesce(:time_zone, time_zone),
        max_guests = coalesce(:max_guests, max_guests),
        hold_policy = coalesce(:hold_policy, hold_policy),
        hold_hours = coalesce(:hold_hours, hold_hours),
        row_version = coalesce(row_version, 0) + 1,
        updated_at = :at
    where tenant_id = :tenant
      and id = :id
    returning tenant_id, {property_columns}
),
settled as (
    select count(*) as writes
    from stored
),
event as (
    {insert_event}
    select tenant_id, :event, :at, null, null, id, {event.property_updated}, '', {by}
    from stored, settled
)
select {property_columns}
from stored
