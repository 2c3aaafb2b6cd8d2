insert into identity.audit_events (
    id, at, action, outcome, tenant_id, user_id, session_id, subject, address, request_id
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
