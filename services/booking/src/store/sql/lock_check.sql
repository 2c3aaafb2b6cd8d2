-- No row while another server is at it.
select c.phase, c.after_kind, c.after_id, c.begun_at, c.finished_at, c.again
from inconsistency_checks c
where c.tenant_id = :tenant
for update skip locked
