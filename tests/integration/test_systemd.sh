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
at_most() { # LIMIT LEVEL
    awk -v limit="$1" -v level="$2" 'BEGIN {exit !(level != "" && level <= limit)}'
}
status() { machine sed -nE "s/^$1:[[:space:]]+([^[:space:]]+).*/\\1/p" "/proc/$(main_pid)/status"; }
step "its exposure is at most 1.1" at_most 1.1 "$level"
step "it has no capability left, and can get none" test "$(status CapPrm) $(status CapBnd) $(status CapAmb) $(status NoNewPrivs)" = \
    "0000000000000000 0000000000000000 0000000000000000 1"
step "it is under a filter of system calls" test "$(status Seccomp)" = 2
step "it is no core file's subject" test "$(machine grep -c 'Max core file size *0 *0' "/proc/$(main_pid)/limits")" = 1
step "its memory is nobody's but root's" test "$(machine stat -c %U "/proc/$(main_pid)/mem")" = root

# The filter holds: a program with the settings of the unit in place of retaind tries, and one without them shows that it would do.
users=/home
open_folders="/etc/open /srv/open /var/lib/open $users/open"
for folder in $open_folders; do
    machine mkdir -p "$folder"
    machine chmod 777 "$folder"
    machine touch "$folder/open"
done
machine tee /usr/local/lib/probe.py <tests/lib/probe.py >/dev/null
sed -E -e 's|^ExecStart=.*|ExecStart=/usr/bin/python3 /usr/local/lib/probe.py /var/lib/retaind '"$open_folders"'|' -e 's/^Type=.*/Type=oneshot/' \
    -e '/^(ExecReload|NotifyAccess|WatchdogSec|Restart|RestartSec)=/d' \
    -e '/^\[Service\]/a StandardOutput=truncate:/run/probe' "$(machine_root)$prefix/lib/systemd/system/retaind.service" |
    machine tee /etc/systemd/system/probe.service >/dev/null
machine systemctl daemon-reload
could() { grep " $1\$" "$2" | cut -d' ' -f1; } # yes|no FILE
within=$(mktemp) without=$(mktemp)
step "a program tries with the settings of the unit" machine systemctl start probe.service
machine cat /run/probe >"$within"
machine setpriv --reuid retaind --regid retaind --clear-groups /usr/bin/python3 /usr/local/lib/probe.py /var/lib/retaind $open_folders >"$without"
step "it may write to its state directory" grep -q '^own-folder yes$' "$within"
for attempt in $(could yes "$without"); do
    case $attempt in
    own-folder | read:/etc/open | read:/srv/open | read:/var/lib/open) ;;
    *) step "it may not: $attempt" grep -qx "$attempt no" "$within" ;;
    esac
done
step "and without them it might have" test "$(could yes "$without" | wc -l)" -ge 12
rm -f "$within" "$without"
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

# Keys and credentials: the service alone sees its secret, and who has no key gets no answer.
keygen() { machine sh -c "cd /etc/retaind && retainctl keygen $*"; }
with_key() { # NAME COMMAND...
    local name=$1
    shift
    machine env RETAIND_KEY="/etc/retaind/$name.secret" "$@"
}
push_with() { # NAME SOURCE
    echo "{\"id\":\"k\",\"type\":\"call\",\"account\":\"first\",\"source\":\"$2\",\"ts\":1767225600000}" |
        with_key "$1" retainctl --timeout 5 push --format jsonl
}
step "keys are made" keygen server server
step "for a producer" keygen producer pbx --server server.secret --source pbx
step "and an administrator" keygen admin me --server server.secret
machine sh -c 'cd /etc/retaind && mkdir keys && mv pbx.key me.key keys/'
printf '[access]\nserver_key = server\nkeys = /etc/retaind/keys\n' | machine tee -a /etc/retaind/retaind.conf >/dev/null
machine mkdir -p /etc/systemd/system/retaind.service.d
printf '[Service]\nLoadCredential=server:/etc/retaind/server.secret\n' | machine tee /etc/systemd/system/retaind.service.d/keys.conf >/dev/null
machine systemctl daemon-reload
step "it starts with a credential" machine systemctl start retaind.service
step "the secret is root's in the file" test "$(machine stat -c '%U %a' /etc/retaind/server.secret)" = "root 600"
step "nobody without a key gets an answer" fails machine retainctl --timeout 1 stats
step "the administrator does" with_key me retainctl stats
step "the producer sends its own" push_with pbx pbx
step "and no other's" fails push_with pbx crm
machine rm /etc/retaind/keys/pbx.key
step "its key is taken away" machine systemctl reload retaind.service
step "and it is out" fails push_with pbx pbx
step "with keys it stops as well" machine systemctl stop retaind.service
machine sed -i '/^\[access\]$/,$d' /etc/retaind/retaind.conf
machine rm /etc/systemd/system/retaind.service.d/keys.conf
machine systemctl daemon-reload

# Activated by sockets: no network at all for the daemon, and a client outside still gets its answer.
machine mkdir -p /etc/systemd/system/retaind.service.d
printf '[Service]\nPrivateNetwork=yes\nRestrictAddressFamilies=\nRestrictAddressFamilies=AF_UNIX\n' |
    machine tee /etc/systemd/system/retaind.service.d/sockets.conf >/dev/null
machine systemctl daemon-reload
step "its sockets open" machine systemctl start retaind-{events,firehose,alerts,query,http}.socket
step "a client wakes it" push_one second
step "and is counted" test "$(accounts)" = 2
step "and is healthy, as HTTP says" test "$(machine curl -s http://127.0.0.1:7680/healthz)" = ok
level=$(exposure)
echo "     exposure without a network $level"
step "its exposure without a network is at most 0.6" at_most 0.6 "$level"
step "activated, it stops as well" machine systemctl stop retaind-{events,firehose,alerts,query,http}.socket retaind.service
finish
