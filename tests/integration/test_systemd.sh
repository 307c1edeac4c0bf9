#!/bin/bash
# The units as they are shipped: verified without a word, and run for real by a systemd in namespaces of its own.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/machine.sh
. tests/lib/steps.sh

[ -z "${RETAIND_SANITIZED:-}" ] || machine_skip "the sandbox is for programs without sanitizers"
bin=${RETAIND_BIN_DIR:?the bin folder of an installation}
root=$(cd "$bin/../../.." && pwd) # of the installation
prefix=${bin#"$root"}
prefix=${prefix%/bin}
machine_start
cp -a "$root/." "$(machine_root)/"
limit_to_this_machine
machine_boot

says_nothing() { # COMMAND...: systemd-analyze verify reports unknown keys and still exits 0
    local said
    said=$("$@" 2>&1)
    [ -z "$said" ] || { echo "$said"; return 1; }
}
exposure() {
    machine systemd-analyze security --no-pager retaind.service | sed -nE 's/.*Overall exposure level.*: ([0-9.]+) .*/\1/p'
}
accounts() { # the answer to a query proves more than a port that is open
    machine retainctl --json stats | grep -oE '"accounts": *[0-9]+' | head -n 1 | grep -oE '[0-9]+'
}
push_one() { # ACCOUNT
    echo "{\"id\":\"$1\",\"type\":\"call\",\"account\":\"$1\",\"ts\":1767225600000}" | machine retainctl push --format jsonl
}
main_pid() { machine systemctl show -P MainPID retaind; }
serves() { machine test -e /var/lib/retaind/endpoints && [ -n "$(accounts)" ]; }
another_pid() { [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ] && serves; }

step "the units say nothing to systemd-analyze verify" says_nothing machine systemd-analyze verify --man=no \
    $(cd "$(machine_root)" && find ".$prefix/lib/systemd/system" -name 'retaind*' | sed 's|^\.||')
step "the user is made" machine systemd-sysusers
step "it starts and is ready" machine systemctl start retaind.service
step "it serves" serves
step "its state is its own" test "$(machine stat -c '%U %a' /var/lib/retaind)" = "retaind 750"
step "it runs under its own user" test "$(machine ps -o user= -p "$(main_pid)")" = retaind
step "an event is acknowledged" push_one first
step "and counted" test "$(accounts)" = 1
level=$(exposure)
echo "     exposure $level"
step "its exposure is at most 1.2" awk -v level="$level" 'BEGIN {exit !(level != "" && level <= 1.2)}'
step "the watchdog is armed" test "$(machine systemctl show -P WatchdogUSec retaind)" = 30s
before=$(main_pid)
step "it reloads" machine systemctl reload retaind.service
step "as the same process" test "$(main_pid)" = "$before"
step "it is killed" machine systemctl kill --kill-whom=main --signal=KILL retaind.service
step "and comes back" eventually another_pid "$before"
step "with what it acknowledged" test "$(accounts)" = 1
step "it stops" machine systemctl stop retaind.service
step "in good order" test "$(machine systemctl show -P Result retaind)" = success
step "and leaves no process behind" fails machine pgrep -u retaind

# Activated by sockets: no network at all for the daemon, and a client outside still gets its answer.
machine mkdir -p /etc/systemd/system/retaind.service.d
printf '[Service]\nPrivateNetwork=yes\nRestrictAddressFamilies=\nRestrictAddressFamilies=AF_UNIX\n' |
    machine tee /etc/systemd/system/retaind.service.d/sockets.conf >/dev/null
machine systemctl daemon-reload
step "its sockets open" machine systemctl start retaind-{events,firehose,alerts,query,http}.socket
step "a client wakes it" push_one second
step "and is counted" test "$(accounts)" = 2
step "and is healthy, as HTTP says" test "$(machine curl -s http://127.0.0.1:7680/healthz)" = ok
echo "     exposure without a network $(exposure)"
step "activated, it stops as well" machine systemctl stop retaind-{events,firehose,alerts,query,http}.socket retaind.service
finish
