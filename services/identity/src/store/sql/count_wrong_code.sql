update identity.factors
set wrong_codes = wrong_codes + 1
where id = :id
returning wrong_codes
