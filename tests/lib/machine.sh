# A Debian machine to try units and packages on, for shell tests to source: systemd as process 1 in namespaces of its own, on a
# throw-away layer over this machine's files. What happens in it is gone when it stops. It has a loopback network only.
#
#   machine_start      or exits 77 with the reason where the kernel or the rights do not allow it
#   machine_root       path of its root folder, to copy files into before machine_boot
#   machine_boot
#   machine COMMAND... runs it there
#   machine_stop       also at the end of the script

machine_dir="" machine_pid="" machine_init=""

machine_skip() {
    echo "skipped: $*"
    exit 77
}

machine_stop() {
    [ -z "$machine_init" ] || kill -KILL "$machine_init" 2>/dev/null
    [ -z "$machine_pid" ] || wait "$machine_pid" 2>/dev/null
    if [ -n "$machine_dir" ]; then
        umount -l "$machine_dir"
        rmdir "$machine_dir"
    fi
    machine_dir="" machine_pid="" machine_init=""
}

# The layer, mounted here so that files can be copied into it.
machine_start() {
    [ "$(id -u)" -eq 0 ] || machine_skip "a machine in namespaces needs root"
    [ -x /lib/systemd/systemd ] || machine_skip "systemd is not installed"
    grep -qw overlay /proc/filesystems && grep -qw cgroup2 /proc/filesystems ||
        machine_skip "the kernel has no overlay file system or no cgroup2"
    unshare -mpfuin --cgroup true 2>/dev/null || machine_skip "the kernel allows no namespaces here"
    machine_dir=$(mktemp -d)
    trap machine_stop EXIT
    mount -t tmpfs -o size=2g,mode=755 tmpfs "$machine_dir" || machine_skip "mounting is not allowed here"
    mkdir "$machine_dir"/{upper,work,root}
    mount -t overlay overlay -o "lowerdir=/,upperdir=$machine_dir/upper,workdir=$machine_dir/work" "$machine_dir/root" ||
        machine_skip "an overlay can not be mounted here"
    machine_prepare "$machine_dir/root"
}

machine_root() {
    echo "$machine_dir/root"
}

# Nothing that this machine has enabled starts there, and nothing touches the kernel's settings.
machine_prepare() { # ROOT
    local unit
    rm -rf "$1"/etc/systemd/system/*.wants "$1"/var/log/journal
    for unit in systemd-sysctl systemd-modules-load systemd-remount-fs systemd-udevd systemd-udev-trigger systemd-timesyncd \
        systemd-random-seed systemd-update-utmp systemd-networkd systemd-resolved systemd-binfmt systemd-logind; do
        ln -sf /dev/null "$1/etc/systemd/system/$unit.service"
    done
    for unit in sys-kernel-debug sys-kernel-tracing sys-fs-fuse-connections dev-hugepages dev-mqueue; do
        ln -sf /dev/null "$1/etc/systemd/system/$unit.mount"
    done
    printf '[Unit]\nRequires=systemd-journald.socket\nAllowIsolate=yes\n' >"$1/etc/systemd/system/test.target"
    : >"$1/etc/fstab"
    rm -f "$1/usr/sbin/policy-rc.d" # which in a container keeps packages from starting anything
}

# Process 1: mounts what a machine has and becomes systemd. Runs inside the namespaces.
machine_become_init() { # ROOT
    set -e
    mount --make-rprivate /
    cd "$1"
    mount -t proc proc proc
    mount --bind proc/sys proc/sys
    mount -o remount,ro,bind proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs run
    mount -t tmpfs -o mode=1777 tmpfs tmp
    mount -t tmpfs -o mode=755 tmpfs dev
    for node in null zero full random urandom tty; do
        : >"dev/$node"
        mount --bind "/dev/$node" "dev/$node"
    done
    mkdir -p dev/pts dev/shm mnt
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    pivot_root . mnt
    umount -l /mnt
    mount --make-rshared / # or units get no credentials folder
    exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=test /lib/systemd/systemd --unit=test.target --show-status=no
}

machine_boot() {
    local children tries=0
    export -f machine_become_init
    unshare -mpfuin --cgroup --kill-child bash -c 'machine_become_init "$1"' init "$machine_dir/root" >"$machine_dir/console" 2>&1 </dev/null &
    machine_pid=$!
    until children=$(cat "/proc/$machine_pid/task/$machine_pid/children" 2>/dev/null) && [ -n "$children" ] &&
        machine_init=${children%% *} && machine test -S /run/systemd/private 2>/dev/null; do
        tries=$((tries + 1))
        if [ $tries -gt 200 ] || ! kill -0 "$machine_pid" 2>/dev/null; then
            cat "$machine_dir/console"
            machine_skip "systemd did not start in namespaces here"
        fi
        sleep 0.1
    done
    machine systemctl is-system-running --wait >/dev/null || true
}

machine() {
    nsenter -t "$machine_init" -m -p -i -n -u -C -r -w -- env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive HOME=/root "$@"
}
