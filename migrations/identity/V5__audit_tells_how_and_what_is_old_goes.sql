-- How, by which key and under whose word something was done; who made an API key; and
-- what is old is forgotten. Suits V2's code: the columns may stay empty, and constants as
-- defaults rewrite no row.

alter table identity.audit_events
    -- The method that was called, `frontdesk.identity.v1.AuthService/Login`; empty for
    -- operator commands and tasks.
    add column method text not null default '',
    -- The API key that was sent.
    add column api_key_id uuid,
    -- Who issued the token, where it was not this service.
    add column issuer text not null default '',
    -- A refusal that repeats is one row for many.
    add column times integer not null default 1;

-- Events of no tenant, page by page: in the index by tenant they are in no order, since
-- nothing equals null. It is built while the table can be read but not written, about a
-- second for a million rows of none; where that is too long, create it beforehand under
-- this name with `create index concurrently`.
do $$
begin
    -- What a build that failed has left under the name would be taken for the index.
    if exists (
        select
        from pg_index i
        where i.indexrelid = to_regclass('identity.audit_events_platform_idx')
          and not i.indisvalid
    ) then
        drop index identity.audit_events_platform_idx;
    end if;
end
$$;
create index if not exists audit_events_platform_idx on identity.audit_events (at desc, id desc)
    where tenant_id is null;

-- No foreign keys: who made a key is told after they are gone. A key that was made with
-- another one counts as made by whoever made that.
alter table identity.tenant_api_keys
    add column created_by uuid,
    add column created_by_key uuid;

-- What is old is forgotten in pieces, each a short statement along the primary key: ids
-- are of version 7, so they are in the order of time. The role of the service may not
-- delete what happened: whoever has taken it over could remove their own traces. It may
-- ask for what is older than a month to go, and for sessions that are over whatever became
-- of them. A row that somebody has locked waits for the next time.
create function identity.forget_audit_events(before timestamptz, most integer) returns bigint
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    with old as (
        select e.id
        from identity.audit_events e
        where e.id < (
            lpad(to_hex((extract(epoch from least(before, now() - interval '30 days')) * 1000)::bigint), 12, '0')
            || repeat('0', 20)
        )::uuid
        order by e.id
        limit most
        for update skip locked
    ), forgotten as (
        delete from identity.audit_events e
        using old
        where e.id = old.id
        returning e.id
    )
    select count(*) from forgotten
$$;

create function identity.forget_sessions(before timestamptz, most integer) returns bigint
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
    with old as (
        select s.id
        from identity.sessions s
        where s.id < (
            lpad(to_hex((extract(epoch from least(before, now() - interval '30 days')) * 1000)::bigint), 12, '0')
            || repeat('0', 20)
        )::uuid
          and s.expires_at < now()
        order by s.id
        limit most
        for update skip locked
    ), forgotten as (
        delete from identity.sessions s
        using old
        where s.id = old.id
        returning s.id
    )
    select count(*) from forgotten
$$;

revoke execute on function identity.forget_audit_events(timestamptz, integer) from public;
revoke execute on function identity.forget_sessions(timestamptz, integer) from public;
grant execute on function identity.forget_audit_events(timestamptz, integer) to frontdesk_identity;
grant execute on function identity.forget_sessions(timestamptz, integer) to frontdesk_identity;
