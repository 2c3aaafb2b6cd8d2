update identity.factors
set secret_sealed = :sealed
where id = :id
