#!/bin/bash
# What `deploy/try-systemd` looks at once the path with systemd in README has been followed, in
# the same shell: it has the token, the tenant and the request of it.
# shellcheck disable=SC2154,SC2086
set -eo pipefail

# Ends with 1 where a line is found.
none() { if grep "$@"; then echo "found what must not be there" >&2; exit 1; fi; }

echo; echo "== what systemd makes of the units"
roles='frontdesk-identity frontdesk-booking frontdesk-gateway'
systemctl is-active $roles
for unit in $roles; do
    systemd-analyze security --no-pager "$unit" | tail -1
    grep -qE '^NoNewPrivs:\s1$' "/proc/$(systemctl show --value -p MainPID $unit)/status"
done
for secret in master-key identity-database-url; do
    for unit in $roles; do
        tr '\0' '\n' <"/proc/$(systemctl show --value -p MainPID $unit)/environ" | none -F -e "$(cat /etc/frontdesk/$secret)"
    done
done

echo "== each role killed, which starts again by itself"
for unit in $roles; do
    began=$(date +%s%N)
    kill -KILL "$(systemctl show --value -p MainPID $unit)"
    sleep 0.2
    until curl -sf http://127.0.0.1:8080/readyz >/dev/null && systemctl -q is-active $unit; do sleep 0.05; done
    echo "$unit: ready again after $((($(date +%s%N) - began) / 1000000)) ms"
done

echo "== each role restarted while somebody asks for the request all the time"
asks() {
    local answers=/run/answers
    : >$answers
    while [ -e /run/asks ]; do
        curl -s -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:8080/v1/booking-requests/$request" \
            -H "Authorization: Bearer $token" -H "X-TENANT-ID: $tenant" >>$answers || true
        sleep 0.02
    done
}
touch /run/asks
asks &
for unit in $roles; do
    sleep 1
    systemctl restart $unit
    until curl -sf http://127.0.0.1:8080/readyz >/dev/null; do sleep 0.05; done
done
rm /run/asks
wait
echo "answers, with one process of each role:"
sort /run/answers | uniq -c | sed 's/ 000$/ none, while the gateway was away/'
none -vE '^(200|503|000)$' /run/answers
for unit in $roles; do
    [ "$(systemctl show --value -p Result $unit)" = success ]
done

echo "== the journal: one object a line, and nobody's secret"
journal() { for unit in $roles; do journalctl --no-pager -o cat _SYSTEMD_UNIT=$unit.service; done; }
echo "$(journal | grep -c '^{') lines"
journal | none -v '^{'
journalctl --no-pager -o cat | none -F -e first-password -e "$token" -e "$(cat /etc/frontdesk/master-key)"
