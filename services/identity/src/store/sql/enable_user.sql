update identity.users u
set disabled_at = null
where u.id = :id
  and u.deleted_at is null
returning {user}
