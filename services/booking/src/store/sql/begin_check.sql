insert into inconsistency_checks (tenant_id, phase)
values (:tenant, 0)
on conflict on constraint inconsistency_checks_pkey do nothing
