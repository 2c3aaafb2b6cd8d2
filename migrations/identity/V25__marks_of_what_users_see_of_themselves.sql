-- What a user sees of itself (GET /v1/me) is kept until a mark, as what it may do is: so a name, an
-- address and a factor that is not verified yet are marked, too. Each is written by hand and seldom.
-- When a factor was used last is not marked, and no answer that shows a factor is kept; a factor
-- that goes was shown. Suits the code of before, which asks about the user once more.
drop trigger users_mark_changed on identity.users;
create trigger users_mark_changed
    after update on identity.users
    for each row when (
        to_jsonb(old) - '{password_hash,password_version}'::text[]
        is distinct from to_jsonb(new) - '{password_hash,password_version}'::text[]
    )
    execute function identity.mark_revoked('user', 'id');

drop trigger factors_mark_made on identity.factors;
create trigger factors_mark_made
    after insert on identity.factors
    for each row
    execute function identity.mark_revoked('user', 'user_id');

-- What another program gives to somebody else, a membership for example, is marked for both. Before,
-- whoever got it was not marked, and nobody who had asked before saw it.
create or replace function identity.mark_revoked() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
declare
    before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
begin
    insert into identity.revocation_marks (kind, subject)
    select distinct tg_argv[0], concat_ws('/', row_of ->> tg_argv[1], row_of ->> tg_argv[2])
    from unnest(array[before, after]) row_of
    where row_of is not null;
    return null;
end
$$;

-- So is a session whose id changes.
drop trigger sessions_mark_ended on identity.sessions;
create trigger sessions_mark_ended
    after update of id, ended_at, expires_at, user_id on identity.sessions
    for each row when (
        (old.ended_at is null and new.ended_at is not null)
        or new.expires_at < old.expires_at
        or new.user_id <> old.user_id
        or new.id <> old.id
    )
    execute function identity.mark_revoked('session', 'id');

-- A table that is emptied says of no row that it is gone, so that is marked as everything: whatever
-- anybody knows is void. The code of before does not know the kind, and takes it for that. Like every
-- mark it gets its place at the commit. Where the head is emptied, too, to be filled from elsewhere,
-- nobody's place is known any more, and no mark is needed.
alter table identity.revocation_marks drop constraint revocation_marks_kind_check;
alter table identity.revocation_marks add constraint revocation_marks_kind_check check (
    kind in ('session', 'user', 'role', 'api_key', 'tenant', 'signing_key', 'everything')
) not valid;
alter table identity.revocation_marks validate constraint revocation_marks_kind_check;

create function identity.mark_everything() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
    insert into identity.revocation_marks (kind, subject)
    select 'everything', tg_table_name from identity.revocation_head;
    return null;
end
$$;

create trigger sessions_mark_emptied
    after truncate on identity.sessions
    for each statement execute function identity.mark_everything();
create trigger users_mark_emptied
    after truncate on identity.users
    for each statement execute function identity.mark_everything();
create trigger memberships_mark_emptied
    after truncate on identity.memberships
    for each statement execute function identity.mark_everything();
create trigger roles_mark_emptied
    after truncate on identity.roles
    for each statement execute function identity.mark_everything();
create trigger tenant_api_keys_mark_emptied
    after truncate on identity.tenant_api_keys
    for each statement execute function identity.mark_everything();
create trigger tenants_mark_emptied
    after truncate on identity.tenants
    for each statement execute function identity.mark_everything();
create trigger factors_mark_emptied
    after truncate on identity.factors
    for each statement execute function identity.mark_everything();
create trigger user_links_mark_emptied
    after truncate on identity.user_links
    for each statement execute function identity.mark_everything();

-- Verifiers drop a signing key by its name alone, which is not known any more when its table was
-- emptied: so nobody empties it, unless it is to be filled from elsewhere.
create function identity.refuse_emptied_keys() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
    if exists (select from identity.revocation_head) then
        raise exception 'identity.signing_keys is not truncated: verifiers would still trust its keys'
            using
                errcode = 'restrict_violation',
                hint = 'Nothing was changed. Delete its rows instead: delete from identity.signing_keys.';
    end if;
    return null;
end
$$;
create trigger signing_keys_refuse_emptied
    after truncate on identity.signing_keys
    for each statement execute function identity.refuse_emptied_keys();

-- Whether the transaction under way has marked anything, for whoever ends it: most have not, and the
-- index of what has no place yet is long with dead entries while an old transaction is open.
create function identity.note_marks() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
    perform set_config('app.marked', 'yes', true);
    return null;
end
$$;
create trigger revocation_marks_note
    after insert on identity.revocation_marks
    for each statement execute function identity.note_marks();
