-- A secret that ends by it ends the tokens that it gave, which nothing tells from those that the
-- secret in force gave.
update identity.tenant_api_keys k
set
    previous_secret_hash = case when :previous_until is null then null else k.secret_hash end,
    previous_expires_at = :previous_until,
    secret_hash = :secret_hash,
    tokens_not_before = greatest(
        k.tokens_not_before,
        case
            when :previous_until is null then :at
            when k.previous_expires_at is not null then least(k.previous_expires_at, :at)
        end
    )
where k.tenant_id = :tenant
  and k.id = :id
returning {api_key}
