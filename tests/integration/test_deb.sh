#!/bin/bash
# The Debian package over its whole life on a machine in namespaces: built, installed, used, upgraded, removed, purged.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/machine.sh
. tests/lib/steps.sh

[ -z "${RETAIND_SANITIZED:-}" ] || machine_skip "packages are built without sanitizers"
command -v dpkg-shlibdeps >/dev/null || machine_skip "dpkg-dev is not installed"
machine_start
folder=$(mktemp -d)
trap 'machine_stop; rm -rf "$folder"' EXIT
export O=${O:-build}
unset MAKEFLAGS
version=$(sed -nE 's/^VERSION = //p' Makefile)

build() { # REVISION
    make --no-print-directory deb REVISION="$1" && mv "$O/deb"/*_"$version-$1"_*.deb "$folder"
}
package() { # NAME REVISION: its path on the machine
    echo "/packages/$(basename "$folder/$1_$version-$2"_*.deb)"
}
lints() { # errors alone, and not that the authors have no mail address: an archive's rules are for its members
    command -v lintian >/dev/null || return 0
    local said
    said=$(lintian --allow-root --fail-on none --tag-display-limit 0 \
        --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog "$folder"/*_"$version-1"_*.deb 2>&1)
    echo "$said"
    ! echo "$said" | grep -q '^E:'
}
accounts() {
    machine retainctl --json stats | grep -oE '"accounts": *[0-9]+' | head -n 1 | grep -oE '[0-9]+'
}
has_accounts() { [ "$(accounts)" = "$1" ]; }
push_one() { # ACCOUNT
    echo "{\"id\":\"$1\",\"type\":\"call\",\"account\":\"$1\",\"ts\":1767225600000}" | machine retainctl push --format jsonl
}
active() { machine systemctl --quiet is-active retaind.service; }
main_pid() { machine systemctl show -P MainPID retaind; }
compiles() {
    printf '#include <retain.h>\nint main(void) { return retain_strerror(0) == 0; }\n' | machine tee /tmp/client.c >/dev/null
    machine sh -c 'cc /tmp/client.c $(pkg-config --cflags --libs retain) -o /tmp/client && /tmp/client'
}

step "the packages are built" build 1
step "and a newer revision" build 2
step "lintian finds no error" lints
mkdir "$(machine_root)/packages"
cp "$folder"/*.deb "$(machine_root)/packages/"
limit_to_this_machine
machine_boot

step "it installs" machine dpkg -i "$(package retaind 1)"
step "it is enabled" machine systemctl --quiet is-enabled retaind.service
step "and runs" active
step "an event is acknowledged" push_one first
step "the configuration is in its place" machine retaind --check-config
step "the manual is in its place" machine test -e /usr/share/man/man1/retainctl.1.gz

before=$(main_pid)
echo "# a change of the administrator's" | machine tee -a /etc/retaind/retaind.conf >/dev/null
step "it upgrades" machine dpkg -i "$(package retaind 2)"
step "and runs" active
step "as a new process" test "$(main_pid)" != "$before"
step "of the new revision" test "$(machine dpkg-query -W -f='${Version}' retaind)" = "$version-2"
step "with its state" eventually has_accounts 1
step "and the administrator's configuration" machine grep -q "administrator's" /etc/retaind/retaind.conf

machine systemctl stop retaind.service
step "stopped, an upgrade leaves it so" machine dpkg -i "$(package retaind 1)"
step "which it does" fails active
machine systemctl start retaind.service

step "the library installs" machine dpkg -i "$(package libretain0 1)" "$(package libretain-dev 1)"
step "and a program is built with it" compiles

step "it is removed" machine dpkg -r retaind
step "and no longer runs" fails machine pgrep -u retaind
step "its state stays" machine test -d /var/lib/retaind
step "it installs again" machine dpkg -i "$(package retaind 1)"
step "and finds its state" eventually has_accounts 1
step "it is purged" machine dpkg -P retaind libretain-dev libretain0
step "its state is gone" fails machine test -e /var/lib/retaind
step "and its configuration" fails machine test -e /etc/retaind
step "and its user" fails machine getent passwd retaind
step "and its unit" fails machine systemctl cat retaind.service
finish
