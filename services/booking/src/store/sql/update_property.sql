-- Null leaves a column as it is. No row: no such property, or another version.
update properties
set
    name = coalesce($3, name),
    time_zone = coalesce($4, time_zone),
    max_guests = coalesce($5, max_guests),
    hold_policy = coalesce($6, hold_policy),
    hold_hours = coalesce($7, hold_hours),
    row_version = row_version + 1,
    updated_at = $8
where tenant_id = $1
  and id = $2
  and ($9::bigint is null or row_version = $9)
returning id, name, time_zone, max_guests, hold_policy, hold_hours, row_version, created_at, updated_at
