insert into booking_settings (tenant_id, auto_decline, updated_at)
values ($1, $2, $3)
on conflict on constraint booking_settings_pkey do update
set auto_decline = excluded.auto_decline, updated_at = excluded.updated_at
returning auto_decline, updated_at
