-- Later than any other, whatever the clock of the machine that says the time: the last one
-- is the one that seals.
insert into identity.master_keys (id, code, rotated_at)
select
    :id, :code,
    greatest(:rotated_at, (select max(k.rotated_at) + interval '1 microsecond' from identity.master_keys k))
on conflict (id) do update
set code = excluded.code, rotated_at = excluded.rotated_at, dropped_at = null
