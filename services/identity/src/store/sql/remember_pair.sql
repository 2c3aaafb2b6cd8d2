with forgiven as (
    delete from identity.login_failures
    where bucket = $1
)
insert into identity.known_pairs (bucket, seen_at)
values ($1, $2)
on conflict (bucket) do update
set seen_at = excluded.seen_at
