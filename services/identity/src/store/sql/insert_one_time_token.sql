-- The newest link works; those before it do not any more.
with replaced as (
    update identity.one_time_tokens
    set used_at = :at
    where user_id = :replaced_of
      and purpose = :purpose
      and used_at is null
)
insert into identity.one_time_tokens (secret_hash, purpose, user_id, email, created_at, expires_at)
values (:secret_hash, :purpose, :user, :email, :at, :expires_at)
