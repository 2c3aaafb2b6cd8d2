insert into properties (
    tenant_id, id, name, time_zone, max_guests, hold_policy, hold_hours, created_at, updated_at
)
values (:tenant, :id, :name, :time_zone, :max_guests, :hold_policy, :hold_hours, :at, :at)
returning {property_columns}
