-- Neither the user nor the key that invited ends before the invitation is decided.
with inviter as (
    select u.id
    from identity.invitations i
    join identity.users u on u.id = i.invited_by
    where i.secret_hash = :secret_hash
    for share of u
), key as (
    select k.id
    from identity.invitations i
    join identity.tenant_api_keys k on k.tenant_id = i.tenant_id and k.id = i.invited_by_key
    where i.secret_hash = :secret_hash
    for share of k
)
select (select count(*) from inviter) as inviters, (select count(*) from key) as keys
