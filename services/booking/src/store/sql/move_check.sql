update inconsistency_checks c
set
    phase = :phase,
    after_kind = :after_kind,
    after_id = :after_id,
    begun_at = :begun_at,
    finished_at = :finished_at,
    again = :again
where c.tenant_id = :tenant
