-- All that a user did, in whatever tenant.
select
    id, at, action, outcome, tenant_id, user_id, session_id, api_key_id, issuer, method, subject, address,
    request_id, times, reason, acting_client_id
from identity.audit_events
where user_id = :user
  and (at, id) < (:before_at, :before_id)
order by at desc, id desc
limit :limit
