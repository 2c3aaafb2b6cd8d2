#!/bin/sh
# A fresh access token for scripts; everything is done by `frontdesk token`.
#
#   TOKEN="$(get_fresh_token.sh)"            the token on stdout
#   source <(get_fresh_token.sh --export)    lines that export TOKEN and JWT_TOKEN
#   get_fresh_token.sh --check               what the token says
#   get_fresh_token.sh --user                the user it belongs to, as the server says
#
# Needs SUPABASE_ANON_KEY, SB_EMAIL, SB_PASSWORD; SB_URL is optional. FRONTDESK is the
# path of the program, unless `frontdesk` is in PATH. Exit codes:
# 0 success, 1 a variable is missing or wrong, 2 sign-in refused, 3 no answer or one
# that cannot be read, 4 the token could not be confirmed.
set -eu
frontdesk="${FRONTDESK:-frontdesk}"
case "${1-}" in
    "") exec "$frontdesk" token get ;;
    --export)
        token="$("$frontdesk" token get)" || exit $?
        printf "export TOKEN='%s'\nexport JWT_TOKEN='%s'\n" "$token" "$token"
        ;;
    --check) exec "$frontdesk" token check ;;
    --user) exec "$frontdesk" token user ;;
    *)
        echo "usage: get_fresh_token.sh [--export | --check | --user]" >&2
        exit 1
        ;;
esac
