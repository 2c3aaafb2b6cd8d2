-- Of a user who was deleted the row stays. Who is being deleted waits, and loses this, too.
insert into identity.memberships (tenant_id, user_id, role, created_at)
select :tenant, u.id, :role, :at
from identity.users u
where u.id = :user
  and u.deleted_at is null
for no key update of u
returning user_id
