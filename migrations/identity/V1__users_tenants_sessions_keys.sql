-- Identity's tables. They are read by user, session or key before a tenant is
-- known, so unlike booking's they are not distributed by tenant; in a sharded
-- database they are reference tables.

create schema identity;

-- The role that the identity service runs as. It owns nothing and has no DDL
-- rights. Roles belong to the server, so another database may have made it.
do $$
begin
    create role frontdesk_identity nologin;
exception
    when duplicate_object or unique_violation then null;
end
$$;
do $$
begin
    if not (select rolsuper from pg_roles where rolname = current_user) then
        execute format('grant frontdesk_identity to %I', current_user);
    end if;
end
$$;

create table identity.tenants (
    id uuid not null,
    slug text not null,
    name text not null,
    created_at timestamptz not null,
    constraint tenants_pkey primary key (id),
    constraint tenants_slug_key unique (slug),
    constraint tenants_slug_check check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$')
);

-- `email` is stored trimmed and in lower case; the service normalises it.
-- `password_hash` is a PHC string; a user without one cannot log in.
create table identity.users (
    id uuid not null,
    email text not null,
    display_name text not null,
    kind text not null,
    password_hash text,
    platform_scopes text[] not null default '{}',
    created_at timestamptz not null,
    disabled_at timestamptz,
    constraint users_pkey primary key (id),
    constraint users_email_key unique (email),
    constraint users_email_check check (email = lower(btrim(email)) and email <> ''),
    constraint users_kind_check check (kind in ('person', 'service'))
);

create table identity.memberships (
    tenant_id uuid not null,
    user_id uuid not null,
    role text not null,
    created_at timestamptz not null,
    constraint memberships_pkey primary key (tenant_id, user_id),
    constraint memberships_tenant_fkey foreign key (tenant_id) references identity.tenants (id),
    constraint memberships_user_fkey foreign key (user_id) references identity.users (id),
    constraint memberships_role_check check (role in ('owner', 'manager', 'agent', 'viewer'))
);
create index memberships_user_idx on identity.memberships (user_id, tenant_id);

-- Only SHA-256 of a key's secret is stored: 256 random bits need no slow hash.
create table identity.tenant_api_keys (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    secret_hash bytea not null,
    scopes text[] not null default '{}',
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    constraint tenant_api_keys_pkey primary key (tenant_id, id),
    constraint tenant_api_keys_tenant_fkey foreign key (tenant_id) references identity.tenants (id),
    constraint tenant_api_keys_secret_hash_check check (octet_length(secret_hash) = 32)
);
create unique index tenant_api_keys_id_idx on identity.tenant_api_keys (id);

-- A refresh token is (session id, counter, MAC). `counter` is that of the
-- newest token; `used_counter` is the highest counter whose tokens have been
-- seen in use, which ends the grace for the token before.
create table identity.sessions (
    id uuid not null,
    user_id uuid not null,
    counter bigint not null default 0,
    used_counter bigint not null default -1,
    created_at timestamptz not null,
    rotated_at timestamptz not null,
    idle_expires_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_because text,
    constraint sessions_pkey primary key (id),
    constraint sessions_user_fkey foreign key (user_id) references identity.users (id),
    constraint sessions_counter_check check (counter >= 0 and used_counter <= counter),
    constraint sessions_ended_check check ((ended_at is null) = (ended_because is null)),
    constraint sessions_ended_because_check check (
        ended_because in ('logout', 'refresh_token_reused')
    )
);
create index sessions_user_idx on identity.sessions (user_id) where ended_at is null;

-- Private keys are sealed with AES-256-GCM under a key that is not in here.
create table identity.signing_keys (
    kid text not null,
    state text not null,
    public_x text not null,
    public_y text not null,
    private_key_sealed bytea not null,
    created_at timestamptz not null,
    constraint signing_keys_pkey primary key (kid),
    constraint signing_keys_state_check check (state in ('standby', 'active', 'retired'))
);
-- Replicas that start together agree on one key.
create unique index signing_keys_one_active_idx on identity.signing_keys (state) where state = 'active';

-- What happened, for people. Never a secret, never a token.
create table identity.audit_events (
    id uuid not null,
    at timestamptz not null,
    action text not null,
    outcome text not null,
    tenant_id uuid,
    user_id uuid,
    session_id uuid,
    constraint audit_events_pkey primary key (id),
    constraint audit_events_outcome_check check (outcome in ('success', 'failure'))
);
create index audit_events_tenant_idx on identity.audit_events (tenant_id, at desc, id desc);
create index audit_events_user_idx on identity.audit_events (user_id, at desc, id desc);

grant usage on schema identity to frontdesk_identity;
grant select, insert, update on
    identity.tenants, identity.users, identity.memberships, identity.tenant_api_keys,
    identity.sessions, identity.signing_keys
to frontdesk_identity;
grant delete on identity.memberships to frontdesk_identity;
grant select, insert on identity.audit_events to frontdesk_identity;
-- The service compares the history with its own list to know whether it fits.
grant select on public.frontdesk_identity_migrations to frontdesk_identity;
