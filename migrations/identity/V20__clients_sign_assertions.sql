-- Public keys with which a client, which is an API key, signs assertions instead of sending a
-- secret: a JWK set as text, read by the service alone, and the ids of its keys for lists. An
-- assertion is used once; its id is kept until it would be refused anyway. Suits the code of
-- before, which knows nothing of all this.
alter table identity.tenant_api_keys
    add column client_keys text,
    add column client_key_ids text[] not null default '{}';

create table identity.used_assertions (
    tenant_id uuid not null,
    api_key_id uuid not null,
    -- SHA-256: what others write has any length.
    assertion_hash bytea not null,
    expires_at timestamptz not null,
    constraint used_assertions_pkey primary key (tenant_id, api_key_id, assertion_hash)
);
create index used_assertions_expires_idx on identity.used_assertions (expires_at);

grant select, insert, delete on identity.used_assertions to frontdesk_identity;
