update identity.factors
set last_used_at = :at, verified_at = coalesce(verified_at, :at)
where id = :id
