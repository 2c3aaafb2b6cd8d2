-- Tenants whose deletion is asked for: closed since `deleted_at`, restored until `purge_at`, and
-- then deleted, which cannot be taken back from `purge_began_at` on. It begins some time after a
-- process saw that the time is over, at `purge_due_at`, and only if one has looked at it since,
-- last at `purge_seen_at`: a database that comes from a backup may lack a restoration. Of one that
-- is deleted its id is left, so that other services learn of it whenever they ask, and nobody gets
-- it again. Suits the code of before, which closes nothing by it: replace every identity, then
-- delete tenants. The trigger `tenants_mark` marks each step. Columns without a default rewrite no
-- row.
alter table identity.tenants
    add column deleted_at timestamptz,
    add column purge_at timestamptz,
    add column purge_due_at timestamptz,
    add column purge_seen_at timestamptz,
    add column purge_began_at timestamptz;
alter table identity.tenants
    add constraint tenants_purge_check check (
        (deleted_at is null) = (purge_at is null)
        and (purge_began_at is null or purge_at is not null)
    );
create index tenants_purge_idx on identity.tenants (purge_at) where purge_at is not null;

create table identity.deleted_tenants (
    id uuid not null,
    deleted_at timestamptz not null,
    constraint deleted_tenants_pkey primary key (id)
);

-- Whoever brings a tenant back says first that it is not deleted, or other services would delete
-- what they have of it.
create function identity.refuse_deleted_tenant() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
    if exists (select from identity.deleted_tenants d where d.id = new.id) then
        raise exception 'tenant % was deleted, and its id is not used again', new.id
            using
                errcode = 'restrict_violation',
                hint = 'To bring it back from a backup, delete its row of identity.deleted_tenants first, and read '
                    '"Back from a backup" in deploy/runbook/TENANT_DELETED.md.';
    end if;
    return new;
end
$$;
create trigger tenants_refuse_deleted
    before insert on identity.tenants
    for each row execute function identity.refuse_deleted_tenant();

-- A tenant goes by that alone, whatever is wrong with a statement.
create function identity.refuse_sudden_deletion() returns trigger
language plpgsql
set search_path = pg_catalog
as $$
begin
    raise exception 'the deletion of tenant % has not begun', old.id
        using
            errcode = 'restrict_violation',
            hint = 'Ask for it with POST /v1/tenants/{tenant_id}/delete.';
end
$$;
create trigger tenants_refuse_sudden_deletion
    before delete on identity.tenants
    for each row when (old.purge_began_at is null)
    execute function identity.refuse_sudden_deletion();

-- Which database says that tenants are deleted: other services believe the one that they have
-- asked before. Backups and copies keep it. The table has one row.
alter table identity.revocation_head add column database_id uuid not null default gen_random_uuid();

grant select, insert, update (deleted_at) on identity.deleted_tenants to frontdesk_identity;
grant delete on identity.tenants, identity.tenant_api_keys to frontdesk_identity;

-- Of whom a letter is: that of a tenant waits while the tenant is closed, and goes with it.
-- Letters from before, and those that are nobody's, have none.
alter table identity.outbox add column of_tenant uuid;
create index outbox_of_tenant_idx on identity.outbox (of_tenant) where of_tenant is not null;
