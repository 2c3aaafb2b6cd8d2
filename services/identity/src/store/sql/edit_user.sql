update identity.users as u
set display_name = :display_name
where u.id = :id
  and u.deleted_at is null
returning {user}
