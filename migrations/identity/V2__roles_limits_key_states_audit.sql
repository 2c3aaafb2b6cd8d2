-- Roles of tenants, limits on failed logins, the life of signing keys, rotation
-- of API keys, and what an audit event is about. Suits V1's code as well: new
-- columns may stay empty, and nothing is taken away but checks.

create table identity.roles (
    tenant_id uuid not null,
    name text not null,
    scopes text[] not null,
    created_at timestamptz not null,
    constraint roles_pkey primary key (tenant_id, name),
    constraint roles_tenant_fkey foreign key (tenant_id) references identity.tenants (id),
    constraint roles_name_check check (
        name ~ '^[a-z0-9][a-z0-9-]{0,62}$' and name not in ('owner', 'manager', 'agent', 'viewer')
    ),
    constraint roles_scopes_check check (cardinality(scopes) > 0)
);

-- A membership has a built-in role or one of the tenant's. The generated column
-- is null for built-in roles, so that the foreign key is about the others only.
alter table identity.memberships drop constraint memberships_role_check;
alter table identity.memberships add column custom_role text generated always as (
    case when role in ('owner', 'manager', 'agent', 'viewer') then null else role end
) stored;
alter table identity.memberships add constraint memberships_role_fkey
    foreign key (tenant_id, custom_role) references identity.roles (tenant_id, name);

-- Rust and Postgres do not agree on every letter's lower case; the service's
-- normal form is the one that counts.
alter table identity.users drop constraint users_email_check;
alter table identity.users add constraint users_email_check check (email <> '' and email = btrim(email));

-- Counts how often the password was set, so that a login that was under way
-- meanwhile starts no session.
alter table identity.users add column password_version integer not null default 0;

-- Where a session comes from, for its user to recognise it.
alter table identity.sessions add column address text not null default '';
alter table identity.sessions add column user_agent text not null default '';
alter table identity.sessions drop constraint sessions_ended_because_check;
alter table identity.sessions add constraint sessions_ended_because_check check (
    ended_because in ('logout', 'refresh_token_reused', 'revoked', 'password_changed', 'user_disabled')
);

-- Failed logins per account, client address and both, in windows. Buckets are
-- hashes: the table tells nobody who tries to sign in.
create table identity.login_failures (
    bucket bytea not null,
    failures integer not null,
    window_ends_at timestamptz not null,
    constraint login_failures_pkey primary key (bucket)
);
create index login_failures_window_idx on identity.login_failures (window_ends_at);

-- Pairs of account and address that have signed in: an attacker elsewhere
-- cannot lock them out. Same hashes as the pairs above.
create table identity.known_pairs (
    bucket bytea not null,
    seen_at timestamptz not null,
    constraint known_pairs_pkey primary key (bucket)
);

alter table identity.signing_keys add column activated_at timestamptz;
alter table identity.signing_keys add column retired_at timestamptz;
update identity.signing_keys set activated_at = created_at where state = 'active';

-- The secret before the last rotation, while it still works.
alter table identity.tenant_api_keys add column previous_secret_hash bytea;
alter table identity.tenant_api_keys add column previous_expires_at timestamptz;
alter table identity.tenant_api_keys add constraint tenant_api_keys_previous_check check (
    (previous_secret_hash is null) = (previous_expires_at is null)
);

alter table identity.audit_events add column subject text not null default '';
alter table identity.audit_events add column address text not null default '';
alter table identity.audit_events add column request_id text not null default '';

grant select, insert, update, delete on identity.roles, identity.login_failures, identity.known_pairs
to frontdesk_identity;
