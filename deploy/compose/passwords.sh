#!/bin/sh
# Run by the image of Postgres at its first start, after deploy/database.sql.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --quiet \
    --set owner="$(cat /run/secrets/owner_password)" \
    --set service="$(cat /run/secrets/service_password)" <<'SQL'
alter role frontdesk_owner password :'owner';
alter role frontdesk password :'service';
SQL
