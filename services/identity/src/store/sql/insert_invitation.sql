-- No row when the tenant has as many open ones as it may.
insert into identity.invitations as i (
    tenant_id, id, email, role, secret_hash, proves_address, invited_by, invited_by_key, created_at,
    expires_at
)
select
    :tenant, :id, :email, :role, :secret_hash, :proves_address, :invited_by, :invited_by_key, :at, :expires_at
where (
    select count(*)
    from identity.invitations other
    where other.tenant_id = :tenant
      and other.state = {invitation.open}
      and other.expires_at > :at
) < :most
returning {invitation}
