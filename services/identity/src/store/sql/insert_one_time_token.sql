-- Of the links that still work, so many of the newest go on beside this one.
with replaced as (
    update identity.one_time_tokens
    set used_at = :at
    where secret_hash in (
        select t.secret_hash
        from identity.one_time_tokens t
        where t.user_id = :replaced_of
          and t.purpose = :purpose
          and t.used_at is null
          and t.expires_at > :at
        order by t.created_at desc, t.secret_hash
        offset :kept
    )
)
insert into identity.one_time_tokens (secret_hash, purpose, user_id, email, created_at, expires_at)
values (:secret_hash, :purpose, :user, :email, :at, :expires_at)
