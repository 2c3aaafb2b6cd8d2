-- A key that is made with another one counts as made by whoever made that. No row when the
-- tenant has as many live keys as it may; calls at the same moment may each find the last
-- place free.
insert into identity.tenant_api_keys as k (
    tenant_id, id, name, secret_hash, scopes, created_at, expires_at, created_by, created_by_key,
    allowed_addresses
)
select
    :tenant, :id, :name, :secret_hash, :scopes, :at, :expires_at,
    coalesce(
        :created_by,
        (
            -- As what it is here: else a column of another type would not be named.
            select maker.created_by::uuid
            from identity.tenant_api_keys maker
            where maker.tenant_id = :tenant
              and maker.id = :created_by_key
        )
    ),
    :created_by_key,
    :allowed_addresses
where (
    select count(*)
    from identity.tenant_api_keys live
    where live.tenant_id = :tenant
      and live.revoked_at is null
      and (live.expires_at is null or live.expires_at > :at)
) < :most
returning {api_key}
