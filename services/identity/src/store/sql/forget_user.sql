-- What says who it was goes; the row stays, because events name it by its id. `stored` are the
-- forms of its address.
with left_tenants as (
    delete from identity.memberships
    where user_id = :id
),
ended_links as (
    delete from identity.user_links
    where user_id = :id
),
ended_factors as (
    delete from identity.factors
    where user_id = :id
),
ended_codes as (
    delete from identity.recovery_codes
    where user_id = :id
),
asked_for as materialized (
    select array(select email from identity.one_time_tokens where user_id = :id) as addresses
),
ended_tokens as (
    delete from identity.one_time_tokens
    where user_id = :id
),
unsent as (
    delete from identity.outbox
    where recipient = any (:stored || (select addresses from asked_for))
      -- An address that it asked for may be somebody else's, who is waiting for other letters.
      and (recipient = any (:stored) or kind in ({purpose.confirm_email}, {purpose.change_email}))
),
ended_invitations as (
    update identity.invitations
    set state = {invitation.revoked}, decided_at = :at, email = ''
    where email = any (:stored)
      and state = {invitation.open}
),
left_places as (
    update identity.sessions
    set address = '', user_agent = ''
    where user_id = :id
)
update identity.users u
set
    email = 'deleted-' || u.id || '@deleted.invalid',
    display_name = '',
    password_hash = null,
    password_version = u.password_version + 1,
    platform_scopes = '{}',
    email_confirmed_at = null,
    disabled_at = coalesce(u.disabled_at, :at),
    deleted_at = :at
where u.id = :id
  and u.deleted_at is null
returning u.id
