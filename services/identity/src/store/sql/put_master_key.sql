insert into identity.master_keys (id, code, rotated_at)
values (:id, :code, :rotated_at)
on conflict (id) do update
set code = excluded.code, rotated_at = excluded.rotated_at, dropped_at = null
