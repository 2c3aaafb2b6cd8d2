-- The steps that were taken only grow: of any number of calls with one code, one is right.
update identity.factors
set
    last_step = :step,
    last_used_at = :at,
    verified_at = coalesce(verified_at, :at),
    wrong_codes = 0
where id = :id
  and last_step < :step
returning id
