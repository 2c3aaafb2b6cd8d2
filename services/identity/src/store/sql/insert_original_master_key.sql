insert into identity.master_keys (id, code, rotated_at, original)
values (:id, :code, :rotated_at, true)
on conflict do nothing
