insert into booking_settings (tenant_id, auto_decline, updated_at)
values (:tenant, :auto_decline, :at)
on conflict on constraint booking_settings_pkey do update
set auto_decline = excluded.auto_decline, updated_at = excluded.updated_at
returning {settings_columns}
