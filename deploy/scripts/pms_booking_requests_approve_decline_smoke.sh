#!/bin/sh
# The six checks of approving and declining; everything is done by `frontdesk
# smoke`. Needs API_BASE_URL and JWT_TOKEN; FRONTDESK is the path of the program, unless
# `frontdesk` is in PATH. Approves one booking request. Exit codes: 0 all checks
# passed, 1 one failed or a variable is missing.
set -eu
exec "${FRONTDESK:-frontdesk}" smoke "$@"
