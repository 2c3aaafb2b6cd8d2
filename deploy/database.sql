-- The logins, the services' roles and the database, made once by a superuser of the server:
--
--   psql --file deploy/database.sql
--
-- `frontdesk_owner` owns the schema and is for `frontdesk migrate` and the operator
-- commands; it may make roles, because later migrations may need some. The services sign in
-- as `frontdesk_identity_login` and `frontdesk_booking_login`: each owns nothing and works in
-- the role of its service, so that whoever takes over one of them has nothing of the other.
-- None has a password here: give them one where `peer` is not enough
-- (`\password frontdesk_identity_login`). One login for both works as well, and opens the
-- tables of each service to the other, which `frontdesk doctor` says of it:
-- `create role frontdesk_services login in role frontdesk_identity, frontdesk_booking`.
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
create role frontdesk_identity_login login in role frontdesk_identity;
create role frontdesk_booking_login login in role frontdesk_booking;
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
