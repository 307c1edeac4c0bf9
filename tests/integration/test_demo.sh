#!/bin/bash
# The demonstration, cut short: it shows alerts, ends by itself and leaves nothing behind.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/steps.sh

[ -z "${RETAIND_SANITIZED:-}" ] || { echo "skipped: the demonstration builds without sanitizers"; exit 77; }
out=$(mktemp)
trap 'rm -f "$out"' EXIT
unset MAKEFLAGS

scratch() { sed -n 's/^== retaind starts in //p' "$out"; }

step "it runs to its end" bash -c 'DEMO_SECONDS=10 make --no-print-directory demo >"$1" 2>&1 </dev/null' demo "$out"
step "a year is loaded without a rejection" grep -qE '^accepted [0-9]{5,} duplicate 0 rejected 0$' "$out"
step "accounts are judged" grep -qE '^judged: [1-9][0-9]* alerts are open$' "$out"
step "a score has its reasons" grep -qE '^ *-[0-9.]+  silence' "$out"
step "alerts come" grep -qE ' raised +[a-z_]+ +SIM-' "$out"
step "it leaves no folder" test -n "$(scratch)" -a ! -e "$(scratch)"
step "and no process" fails pgrep -f "$(scratch)"
[ "$failed" -eq 0 ] || tail -n 40 "$out"
finish
