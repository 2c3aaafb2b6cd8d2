with forgotten as (
    delete from identity.known_pairs
    where seen_at < :pairs
)
delete from identity.login_failures
where window_ends_at < :windows
