-- Null leaves a column as it is. No row: there is no such property.
with stored as (
    update properties
    set
        name = coalesce(:name, name),
        time_zone = coalesce(:time_zone, time_zone),
        max_guests = coalesce(:max_guests, max_guests),
        hold_policy = coalesce(:hold_policy, hold_policy),
        hold_hours = coalesce(:hold_hours, hold_hours),
        min_nights = case when :sets_rules then :min_nights else min_nights end,
        max_nights = case when :sets_rules then :max_nights else max_nights end,
        min_nights_by_arrival = case when :sets_rules then :min_by_day else min_nights_by_arrival end,
        max_nights_by_arrival = case when :sets_rules then :max_by_day else max_nights_by_arrival end,
        closed_to_arrival = case when :sets_rules then :closed_to_arrival else closed_to_arrival end,
        closed_to_departure = case when :sets_rules then :closed_to_departure else closed_to_departure end,
        lead_days = case when :sets_rules then :lead_days else lead_days end,
        horizon_days = case when :sets_rules then :horizon_days else horizon_days end,
        turnover_days = case when :sets_rules then :turnover_days else turnover_days end,
        row_version = {next_version.properties},
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
