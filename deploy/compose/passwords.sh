#!/bin/sh
# Run by the image of Postgres at its first start, after deploy/database.sql; by hand in its
# container when an upgrade has brought another login.
set -eu
PGPASSWORD="$(cat /run/secrets/postgres_password)"
export PGPASSWORD
psql --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --quiet \
    --set owner="$(cat /run/secrets/owner_password)" \
    --set identity="$(cat /run/secrets/identity_password)" \
    --set booking="$(cat /run/secrets/booking_password)" <<'SQL'
alter role frontdesk_owner password :'owner';
alter role frontdesk_identity_login password :'identity';
alter role frontdesk_booking_login password :'booking';
SQL
