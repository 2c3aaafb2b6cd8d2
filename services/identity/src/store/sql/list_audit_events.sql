select id, at, action, outcome, user_id, session_id, subject, address, request_id
from identity.audit_events
where (
    tenant_id = :tenant
    or (
        tenant_id is null
        and user_id in (select m.user_id from identity.memberships m where m.tenant_id = :tenant)
    )
)
  and (at, id) < (:before_at, :before_id)
order by at desc, id desc
limit :limit
