insert into properties (
    tenant_id, id, name, time_zone, max_guests, hold_policy, hold_hours, created_at, updated_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
returning id, name, time_zone, max_guests, hold_policy, hold_hours, row_version, created_at, updated_at
