-- What a user offered and the API keys that a user made are looked for in all tenants when the
-- user is an operator no more. Suits the code before it, which looks in one tenant.
create index invitations_inviter_idx on identity.invitations (invited_by) where state = 'open';
create index tenant_api_keys_maker_idx on identity.tenant_api_keys (created_by) where revoked_at is null;
