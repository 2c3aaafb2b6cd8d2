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

-- A table that is emptied says of no row that it is gone. Marks up to this place count as forgotten,
-- so whatever anybody has heard by then is void.
create function identity.mark_everything() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
    update identity.revocation_head h set position = h.position + 1, forgotten = h.position + 1;
    perform pg_notify('frontdesk_identity_revocations', '');
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
