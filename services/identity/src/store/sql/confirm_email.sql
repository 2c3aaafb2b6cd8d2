-- Unless the account has another address by now.
update identity.users u
set email_confirmed_at = coalesce(u.email_confirmed_at, :at)
where u.id = :id
  and u.email = :email
  and u.disabled_at is null
returning u.id
