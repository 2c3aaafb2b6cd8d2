with stored as (
    insert into properties (
        tenant_id, id, name, time_zone, max_guests, hold_policy, hold_hours, min_nights, max_nights,
        min_nights_by_arrival, max_nights_by_arrival, closed_to_arrival, closed_to_departure,
        lead_days, horizon_days, turnover_days, created_at, updated_at
    )
    values (
        :tenant, :id, :name, :time_zone, :max_guests, :hold_policy, :hold_hours, :min_nights, :max_nights,
        :min_by_day, :max_by_day, :closed_to_arrival, :closed_to_departure,
        :lead_days, :horizon_days, :turnover_days, :at, :at
    )
    returning tenant_id, {property_columns}
),
settled as (
    select count(*) as writes
    from stored
),
event as (
    {insert_event}
    select tenant_id, :event, :at, null, null, id, {event.property_created}, '', {by}
    from stored, settled
)
select {property_columns}
from stored
