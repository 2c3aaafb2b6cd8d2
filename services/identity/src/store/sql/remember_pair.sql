with forgiven as (
    delete from identity.login_failures
    where bucket = :pair
)
insert into identity.known_pairs (bucket, seen_at)
values (:pair, :now)
on conflict (bucket) do update
set seen_at = excluded.seen_at
