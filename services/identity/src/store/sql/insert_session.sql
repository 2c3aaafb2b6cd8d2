insert into identity.sessions (
    id, user_id, created_at, rotated_at, idle_expires_at, expires_at, address, user_agent
)
values ($1, $2, $3, $3, $4, $5, $6, $7)
