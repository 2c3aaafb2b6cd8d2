-- Who is invited into a tenant. A membership begins when the person accepts, and not before:
-- an invitation says nothing of whether the address is a user's. Suits the code before it,
-- which makes members at once.
-- Whoever has a link that was sent by mail reads the mail of the address, which is shown by
-- `proves_address`; one that whoever invited has brought shows nothing.
create table identity.invitations (
    tenant_id uuid not null,
    id uuid not null,
    email text not null,
    role text not null,
    secret_hash bytea not null,
    proves_address boolean not null,
    invited_by uuid,
    invited_by_key uuid,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    state text not null default 'open',
    decided_at timestamptz,
    constraint invitations_pkey primary key (tenant_id, id),
    constraint invitations_tenant_fkey foreign key (tenant_id) references identity.tenants (id),
    constraint invitations_state_check check (state in ('open', 'accepted', 'declined', 'revoked')),
    constraint invitations_decided_check check ((state = 'open') = (decided_at is null)),
    constraint invitations_secret_hash_check check (octet_length(secret_hash) = 32)
);
-- Looked for by whoever has the link, before a tenant is known.
create unique index invitations_secret_idx on identity.invitations (secret_hash);
-- A newer invitation of an address takes the place of the one before it.
create unique index invitations_open_idx on identity.invitations (tenant_id, email) where state = 'open';
create index invitations_by_idx on identity.invitations (tenant_id, invited_by) where state = 'open';
create index invitations_expiry_idx on identity.invitations (expires_at);

grant select, insert, update, delete on identity.invitations to frontdesk_identity;
