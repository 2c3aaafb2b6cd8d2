-- Its user is locked: nobody disables it meanwhile.
insert into identity.sessions (
    id, user_id, created_at, rotated_at, idle_expires_at, expires_at, address, user_agent,
    method, second_method, second_at
)
values (
    :id, :user, :at, :at, :idle_expires_at, :expires_at, :address, :user_agent,
    :method, :method, :at
)
