select {factor}
from identity.factors f
left join identity.passkeys p on p.factor_id = f.id
where f.user_id = :user
  and (f.verified_at is not null or f.created_at >= :in_time)
order by f.created_at, f.id
