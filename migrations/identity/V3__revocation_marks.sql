-- Marks of what was revoked, for the verifiers that keep what they know of callers: a
-- mark says that whatever was known of its subject is void. It is written in the
-- transaction that revokes, by triggers, so that no statement can forget it: neither one
-- of a version before this, nor one of somebody at the database's own prompt. Marking too
-- much costs a question to identity; so triggers do not look closely.

create table identity.revocation_marks (
    -- Not of a sequence: that would begin anew where a logical replica takes over.
    id uuid not null default gen_random_uuid(),
    kind text not null,
    subject text not null,
    at timestamptz not null default clock_timestamp(),
    position bigint,
    constraint revocation_marks_pkey primary key (id),
    constraint revocation_marks_kind_check check (
        kind in ('session', 'user', 'role', 'api_key', 'tenant', 'signing_key')
    )
);
create index revocation_marks_position_idx on identity.revocation_marks (position);
create index revocation_marks_unplaced_idx on identity.revocation_marks (id) where position is null;
create index revocation_marks_at_idx on identity.revocation_marks (at);

-- One row. `position` is the place of the last transaction that revoked something,
-- `forgotten` that of the last one whose marks were deleted.
create table identity.revocation_head (
    only_row boolean not null default true,
    position bigint not null default 0,
    forgotten bigint not null default 0,
    constraint revocation_head_pkey primary key (only_row),
    constraint revocation_head_only_row_check check (only_row)
);
insert into identity.revocation_head default values;

-- Places are given at the commit, under the lock of the one row of `revocation_head`, which
-- is kept until the commit is done: whoever reads a place has read all those before it. It
-- is the last lock that the transaction takes, so nobody waits for another in a circle.
-- A transaction's marks have one place.
create function identity.place_revocation_marks() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
declare
    place bigint;
begin
    if not exists (
        select from identity.revocation_marks m where m.id = new.id and m.position is null
    ) then
        return null;
    end if;
    update identity.revocation_head h set position = h.position + 1 returning h.position into place;
    update identity.revocation_marks m set position = place where m.position is null;
    -- Of all commits of the database only those that revoke something wait for each other.
    perform pg_notify('frontdesk_identity_revocations', '');
    return null;
end
$$;
create constraint trigger revocation_marks_place
    after insert on identity.revocation_marks
    deferrable initially deferred
    for each row execute function identity.place_revocation_marks();

-- Arguments: the kind, then the columns that name the subject.
create function identity.mark_revoked() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
declare
    row_of jsonb := case when tg_op = 'INSERT' then to_jsonb(new) else to_jsonb(old) end;
    named text := row_of ->> tg_argv[1];
begin
    if tg_nargs > 2 then
        named := named || '/' || (row_of ->> tg_argv[2]);
    end if;
    insert into identity.revocation_marks (kind, subject) values (tg_argv[0], named);
    return null;
end
$$;

create trigger sessions_mark_ended
    after update of ended_at, expires_at, user_id on identity.sessions
    for each row when (
        (old.ended_at is null and new.ended_at is not null)
        or new.expires_at < old.expires_at
        or new.user_id <> old.user_id
    )
    execute function identity.mark_revoked('session', 'id');
create trigger sessions_mark_deleted
    after delete on identity.sessions
    for each row when (old.ended_at is null and old.expires_at > now())
    execute function identity.mark_revoked('session', 'id');

create trigger users_mark_changed
    after update on identity.users
    for each row when (
        to_jsonb(old) - '{password_hash,password_version,display_name,email}'::text[]
        is distinct from to_jsonb(new) - '{password_hash,password_version,display_name,email}'::text[]
    )
    execute function identity.mark_revoked('user', 'id');
create trigger users_mark_deleted
    after delete on identity.users
    for each row execute function identity.mark_revoked('user', 'id');

-- Which tenant a call is for that names none follows from all memberships of its user, so
-- a new one counts, too.
create trigger memberships_mark
    after insert or update or delete on identity.memberships
    for each row execute function identity.mark_revoked('user', 'user_id');

create trigger roles_mark
    after update or delete on identity.roles
    for each row execute function identity.mark_revoked('role', 'tenant_id', 'name');

create trigger tenant_api_keys_mark_changed
    after update on identity.tenant_api_keys
    for each row when (
        to_jsonb(old) - '{last_used_at}'::text[] is distinct from to_jsonb(new) - '{last_used_at}'::text[]
    )
    execute function identity.mark_revoked('api_key', 'id');
create trigger tenant_api_keys_mark_deleted
    after delete on identity.tenant_api_keys
    for each row execute function identity.mark_revoked('api_key', 'id');

create trigger tenants_mark
    after update or delete on identity.tenants
    for each row execute function identity.mark_revoked('tenant', 'id');

-- A signing key whose trust has ended. The version before this knows `retired_at` only,
-- so that is then set to a time at which its keys are no longer published.
alter table identity.signing_keys add column revoked_at timestamptz;
create trigger signing_keys_mark_revoked
    after update of revoked_at on identity.signing_keys
    for each row when (old.revoked_at is null and new.revoked_at is not null)
    execute function identity.mark_revoked('signing_key', 'kid');
create trigger signing_keys_mark_deleted
    after delete on identity.signing_keys
    for each row execute function identity.mark_revoked('signing_key', 'kid');

grant select, insert, update, delete on identity.revocation_marks to frontdesk_identity;
grant select, update on identity.revocation_head to frontdesk_identity;
