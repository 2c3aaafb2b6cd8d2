-- The logins, the services' roles and the database, made once by a superuser of the server:
--
--   psql --file deploy/database.sql
--
-- `frontdesk_owner` owns the schema and is for `frontdesk migrate` and the operator
-- commands; it may make roles, because later migrations may need some. `frontdesk` is what
-- the services sign in as: it owns nothing and works in the roles below. Neither has a
-- password here: give them one where `peer` is not enough (`\password frontdesk`).
-- Migrations make roles that are missing; all are here because a dump has none, and is
-- restored into what this makes.
create role frontdesk_owner login createrole;
create role frontdesk_identity nologin;
create role frontdesk_booking nologin noinherit;
-- For what booking does across tenants: it takes them on for that alone.
create role frontdesk_booking_feed nologin;
create role frontdesk_booking_sweeper nologin;
grant frontdesk_booking_feed, frontdesk_booking_sweeper to frontdesk_booking;
-- From PostgreSQL 16 on, whoever is to grant a role must have it with this option.
grant frontdesk_identity, frontdesk_booking to frontdesk_owner with admin option;
create role frontdesk login in role frontdesk_identity, frontdesk_booking;
create database frontdesk owner frontdesk_owner;
-- Before PostgreSQL 15 whoever may sign in can make functions and tables beside ours.
\connect frontdesk
do $$
begin
    if current_setting('server_version_num')::integer < 150000 then
        revoke create on schema public from public;
        grant create on schema public to frontdesk_owner;
    end if;
end
$$;
