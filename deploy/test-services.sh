#!/bin/sh
# Makes sure that the tests find a real Postgres, pgbouncer, Redis and browser to start for themselves (see tests/services.py), and
# Prometheus' promtool to try the alerts with.
# Debian and Ubuntu; installs what is missing, starts nothing, and changes nothing when all are there.
set -eu

missing=""
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing="postgresql"
command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || missing="$missing pgbouncer"
command -v redis-server >/dev/null || missing="$missing redis-server"
command -v promtool >/dev/null || missing="$missing prometheus"
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || [ -n "${TWIN_TEST_CHROMIUM:-}" ] ||
    missing="$missing chromium"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "Missing for the tests: $missing. Install them with your system's package manager." >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "Missing for the tests: $missing. Run: sudo apt-get install --no-install-recommends $missing" >&2
    exit 1
fi

log=$(mktemp)
policy=/usr/sbin/policy-rc.d # what packages ask before they start their server; a container often has one already
[ -e "$policy" ] && policy=""
trap 'rm -f "$log"; [ -z "$policy" ] || $as_root rm -f "$policy"' EXIT
[ -z "$policy" ] || printf '#!/bin/sh\nexit 101\n' | $as_root install -m 755 /dev/stdin "$policy"

install_missing() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends $missing
}
if ! { install_missing || { $as_root apt-get update --quiet && install_missing; }; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "Could not install $missing for the tests." >&2
    exit 1
fi
