-- What processes said that were killed long ago goes.
with gone as (
    delete from identity.master_key_lists
    where said_at < :forgotten_before
)
insert into identity.master_key_lists (process, listed, said_at)
values (:process, :listed, :at)
on conflict (process) do update
set listed = excluded.listed, said_at = excluded.said_at
