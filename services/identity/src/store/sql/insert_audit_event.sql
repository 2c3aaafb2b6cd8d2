insert into identity.audit_events (
    id, at, action, outcome, tenant_id, user_id, session_id, subject, address, request_id
)
values (:id, :at, :action, :outcome, :tenant, :user, :session, :subject, :address, :request_id)
