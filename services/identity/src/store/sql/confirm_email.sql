update identity.users u
set
    email = :email,
    email_confirmed_at = case when u.email = :email then coalesce(u.email_confirmed_at, :at) else :at end
where u.id = :id
  and u.disabled_at is null
returning {user}
