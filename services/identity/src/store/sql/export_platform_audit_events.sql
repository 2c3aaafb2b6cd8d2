select
    id, at, action, outcome, tenant_id, user_id, session_id, api_key_id, issuer, method, subject, address,
    request_id, times, reason, acting_client_id
from identity.audit_events
where tenant_id is null
  and (at, id) > (:after_at, :after_id)
  and at < :until
order by at, id
limit :limit
