-- The login that backups are made with, made once by a superuser of the server:
--
--   psql --file deploy/backup.sql
--   pg_dump --username frontdesk_backup --format custom --file frontdesk.dump frontdesk
--
-- Rows are kept apart by row-level security, which binds the owner of the tables, too.
-- `pg_dump` ends with an error as soon as it would see some rows only, so that a dump is
-- whole or is none; with its option `--enable-row-security` it is one without the rows of
-- any tenant, and nothing says so. `bypassrls` sees every row, and to read is all that this
-- login may do.
--
-- Where nobody may give `bypassrls`, the owner lifts what binds it while it dumps. That is
-- safe for the services, which own nothing; doctor puts back what was lifted:
--
--   psql --username frontdesk_owner frontdesk <<'SQL'
--   select format('alter table %s no force row level security', oid::regclass)
--   from pg_class where relforcerowsecurity \gexec
--   SQL
--   pg_dump --username frontdesk_owner --format custom --file frontdesk.dump frontdesk
--   frontdesk doctor --repair --apply
--
-- To restore, as the owner, into the empty database that deploy/database.sql makes:
--
--   pg_restore --username frontdesk_owner --no-owner --exit-on-error --dbname frontdesk frontdesk.dump
--
-- What another way of restoring has left out (`--no-acl`: every grant),
-- `frontdesk doctor --repair --apply` makes again.
create role frontdesk_backup login bypassrls;
do $$
begin
    -- Since PostgreSQL 14. Before it, nobody but the owner reads what migrations will make.
    if exists (select from pg_roles where rolname = 'pg_read_all_data') then
        grant pg_read_all_data to frontdesk_backup;
    else
        grant frontdesk_owner to frontdesk_backup;
    end if;
end
$$;
