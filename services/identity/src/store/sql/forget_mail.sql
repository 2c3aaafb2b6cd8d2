with letters as (
    delete from identity.outbox
    where dead_at < :dead_before
),
over as (
    delete from identity.invitations
    where expires_at < :dead_before
)
delete from identity.one_time_tokens
where expires_at < :expired_before
