-- The logins and the database, made once by a superuser of the server:
--
--   psql --file deploy/database.sql
--
-- `frontdesk_owner` owns the schema and is for `frontdesk migrate` and the operator
-- commands; it may make roles, because migrations make some. `frontdesk` is what the
-- services sign in as: it owns nothing and works in the roles below. Neither has a
-- password here: give them one where `peer` is not enough (`\password frontdesk`).
create role frontdesk_owner login createrole;
create role frontdesk_identity nologin;
create role frontdesk_booking nologin;
-- From PostgreSQL 16 on, whoever is to grant a role must have it with this option.
grant frontdesk_identity, frontdesk_booking to frontdesk_owner with admin option;
create role frontdesk login in role frontdesk_identity, frontdesk_booking;
create database frontdesk owner frontdesk_owner;
