# Sourced by suites that want a libvirtd of their own, which they can kill: start_libvirtd DIR, kill_libvirtd, stop_libvirtd.
#
# It lives in a mount namespace where nothing of the host's libvirt is seen; devices and processes are the host's. Guests
# outlive it, and one that is started again on the same DIR finds them.

# Before the daemon is there it has a URI already.
libvirtd_uri() { echo "qemu+unix:///system?socket=$1/sock/libvirt-sock"; }

# start_libvirtd DIR: until it answers. Sets libvirtd_pid and libvirtd_dir.
start_libvirtd() {
    libvirtd_dir=$1
    local deadline=$((SECONDS + 30))
    mkdir -p "$1"/{etc,run,lib,cache,log,sock}
    printf '%s\n' 'stdio_handler = "file"' 'security_driver = "none"' 'namespaces = [ ]' 'user = "root"' 'group = "root"' \
        'remember_owner = 0' >"$1/etc/qemu.conf"
    printf '%s\n' "unix_sock_dir = \"$1/sock\"" 'auth_unix_rw = "none"' >"$1/etc/libvirtd.conf"
    # What is mounted later is seen in there, what is mounted in there is not seen outside.
    D=$1 unshare --mount --propagation slave sh -c '
        set -e
        mkdir -p /run/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt
        mount --bind $D/etc /etc/libvirt; mount --bind $D/run /run/libvirt; mount --bind $D/lib /var/lib/libvirt
        mount --bind $D/cache /var/cache/libvirt; mount --bind $D/log /var/log/libvirt
        exec libvirtd --config /etc/libvirt/libvirtd.conf --pid-file $D/libvirtd.pid' </dev/null >"$1/libvirtd.log" 2>&1 &
    libvirtd_pid=$!
    until virsh_there list >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || { cat "$1/libvirtd.log" >&2; return 1; }
        sleep 0.2
    done
}

# Without a farewell.
kill_libvirtd() {
    kill -9 "$libvirtd_pid" && wait "$libvirtd_pid" 2>/dev/null
    libvirtd_pid=
    return 0
}

# The daemon and all of its guests.
stop_libvirtd() {
    [ -n "${libvirtd_dir:-}" ] || return 0
    local file
    [ -z "${libvirtd_pid:-}" ] || kill_libvirtd
    for file in "$libvirtd_dir"/run/qemu/*.pid; do
        [ ! -f "$file" ] || kill -9 "$(cat "$file")" 2>/dev/null
    done
    return 0
}

virsh_there() { virsh --quiet --connect "$(libvirtd_uri "$libvirtd_dir")" "$@"; }
