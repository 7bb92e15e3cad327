# Sourced by suites that want a whole machine: a root file system of another distribution with its own systemd as process 1, its own
# network, devices, mounts and control groups. machine_root, machine_start, on_machine, machine_off. Needs root.
#
# It is made of namespaces and of nothing else. Turning it off is a loss of power: every process, network namespace,
# bridge and rule is gone at once, what is on its disk stays.

machine_archives=$PWD/build/roots/archives
machine_packages=systemd-sysv,dbus,kmod,openssh-client

# machine_root SUITE DIR: a fresh root of a release of Debian or Ubuntu, with systemd. What it is made of is kept in build/roots.
machine_root() {
    local suite=$1 dir=$2 tar keyring=
    tar=$PWD/build/roots/$1-$(echo "$machine_packages" | md5sum | cut -c1-8).tar
    mkdir -p "$machine_archives/partial" "$dir"
    if [ ! -f "$tar" ]; then
        echo "making $tar"
        ! is_ubuntu "$suite" || keyring=--keyring=$ubuntu_keyring
        # Ubuntu's smallest has no apt.
        mmdebstrap --quiet --variant=minbase $keyring --include="$machine_packages${keyring:+,apt}" "$suite" "$tar.new.tar" \
            "$(machine_mirror "$suite")" || return 1
        mv "$tar.new.tar" "$tar"
    fi
    tar -C "$dir" --numeric-owner -xf "$tar"
    # Where QEMU's and dnsmasq's users have to get through.
    chmod 755 "$dir"
}

ubuntu_mirror=http://archive.ubuntu.com/ubuntu
ubuntu_keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg
is_ubuntu() { [ "$1" = noble ]; }
# Not every network lets one get there, and not every Debian has Ubuntu's keys (the package ubuntu-keyring).
ubuntu_can_be_had() { [ -f "$ubuntu_keyring" ] && curl -fsS -m 20 -o /dev/null "$ubuntu_mirror/dists/noble/InRelease"; }

# machine_mirror SUITE: where its packages are; Debian's at the mirror that this host uses itself.
machine_mirror() {
    local mirror
    ! is_ubuntu "$1" || { echo "$ubuntu_mirror"; return; }
    mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 2>/dev/null | awk -v suite="$(. /etc/os-release && echo "$VERSION_CODENAME")" '$1 == suite { print $2; exit }')
    echo "${mirror:-http://deb.debian.org/debian}"
}

# chrooted DIR COMMAND…: with the host's network, and no systemd about. apt's downloads are kept.
chrooted() {
    local dir=$1
    shift
    D=$dir unshare --mount --pid --fork --propagation slave sh -c '
        set -e
        mount -t proc proc "$D/proc"
        mount --bind "$0" "$D/var/cache/apt/archives"
        mount --bind /etc/resolv.conf "$D/etc/resolv.conf"
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot "$D" "$@"' "$machine_archives" "$@"
}

# apt_options: kept downloads, no recommendations, silence.
apt_options=(-qq -y --no-install-recommends -o APT::Keep-Downloaded-Packages=true -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0)

# downloaded DIR PACKAGE-OR-FILE…: what installing them takes is at hand on the machine, which reaches nobody itself.
downloaded() {
    local dir=$1
    shift
    chrooted "$dir" apt-get "${apt_options[@]}" update && chrooted "$dir" apt-get "${apt_options[@]}" --download-only install "$@" &&
        cp -l "$machine_archives"/*.deb "$dir/var/cache/apt/archives/"
}

# machine_start DIR: until its systemd has done what it does at the start. Sets machine_pid (of its process 1, seen from here).
machine_start() {
    local dir=$1 unified state deadline=$((SECONDS + 120))
    machine_dir=$dir
    unified=$(findmnt -n -o TARGET -t cgroup2 | head -1)
    if [ -z "$unified" ]; then
        unified=/sys/fs/cgroup/unified
        mkdir -p "$unified" && mount -t cgroup2 cgroup2 "$unified" || { echo "this host has no cgroup2" >&2; return 1; }
    fi
    machine_cgroup=$unified/cloudbox-machine.$$
    mkdir -p "$machine_cgroup"
    # A subshell, for it moves into the control group that the machine will take for the root.
    (
        echo 0 >"$machine_cgroup/cgroup.procs"
        D=$dir exec unshare --pid --fork --mount --uts --ipc --net --cgroup --propagation slave --kill-child=KILL \
            "$BASH" "$PWD/tests/lib/machine-init.sh"
    ) </dev/null >"$dir.log" 2>&1 &
    machine_outer=$!
    until machine_pid=$(pgrep -P "$machine_outer") && [ "$(readlink "/proc/$machine_pid/exe" 2>/dev/null)" != "$(readlink -f "$BASH")" ]; do
        kill -0 $machine_outer 2>/dev/null && [ $SECONDS -lt $deadline ] || { cat "$dir.log" >&2; return 1; }
        sleep 0.05
    done
    until state=$(on_machine systemctl is-system-running 2>/dev/null); [ "$state" = running ] || [ "$state" = degraded ]; do
        [ $SECONDS -lt $deadline ] || { echo "the machine did not come up: $state" >&2; on_machine systemctl list-jobs >&2; return 1; }
        sleep 0.1
    done
}

# on_machine COMMAND…: as root on it.
on_machine() {
    nsenter --target "$machine_pid" --mount --uts --ipc --net --pid --cgroup --root --wd \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"
}

# machine_off: somebody pulls the plug.
machine_off() {
    [ -n "${machine_outer:-}" ] || return 0
    kill -9 "$machine_pid" 2>/dev/null
    wait "$machine_outer" 2>/dev/null
    local _
    for _ in $(seq 50); do
        find "$machine_cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
        [ -d "$machine_cgroup" ] || break
        sleep 0.1
    done
    machine_outer=
    return 0
}
