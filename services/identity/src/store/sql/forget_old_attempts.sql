with forgotten as (
    delete from identity.known_pairs
    where seen_at < $2
)
delete from identity.login_failures
where window_ends_at < $1
