update identity.users u
set email = :email, email_confirmed_at = :at
where u.id = :id
  and u.email = :old
  and u.disabled_at is null
returning {user}
