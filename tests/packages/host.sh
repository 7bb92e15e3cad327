# Sourced by the suite of packages and by measure.sh: what is asked of an installed cloudbox on a machine of its own
# (tests/lib/machine.sh), and the guest that must not notice what is done to the service.

cloudbox() { on_machine timeout 150 cloudbox "$@"; }
service() { on_machine systemctl show -P "$1" cloudbox.service; }
is_active() { [ "$(service ActiveState)" = active ]; }
guest() { timeout 60 nsenter --target "$machine_pid" --all --root --wd env -i PATH=/usr/bin:/usr/sbin:/bin HOME=/root \
    cloudbox vm ssh web --identity /root/key --user cirros --timeout 20 -- "$@" 2>/dev/null; }
# As somebody on the host's network would, by the address that the guest was given.
by_floating_ip() { on_machine timeout 30 ssh -i /root/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o ConnectTimeout=10 "cirros@$floating_ip" "$@" 2>/dev/null; }
# What must not change while the service comes and goes.
lives() { on_machine sh -c 'cat /run/libvirt/qemu/*.pid /run/cloudbox/cb/dhcp/*/pid'; }
# Whatever the cloud has on the machine, apart from its files. Tables of these names are iptables', which libvirt calls where it has a network of its own.
on_host() {
    on_machine virsh --quiet list --all
    on_machine ip -br link | sed '/^lo /d'
    on_machine ls /run/netns 2>/dev/null
    on_machine nft list tables | grep -vE '^table ip6? (filter|nat|mangle)$'
    on_machine sh -c 'cat /proc/[0-9]*/comm' 2>/dev/null | sed -nE '/qemu|dnsmasq|cloudbox/p'
}
# Every file that has its name, in the root and in /run; what the command keeps in a user's own home is the user's.
files_left() { on_machine find / -ignore_readdir_race \( -path /proc -o -path /sys -o -path /tmp -o -path /opt -o -path /root \) -prune -o -iname '*cloudbox*' -print; }

# restarted COMMAND…: the service comes back by itself after that.
restarted() {
    local before
    before=$(service ExecMainStartTimestampMonotonic)
    "$@" || return 1
    until_true 60 newer_than "$before"
}
newer_than() { is_active && [ "$(service ExecMainStartTimestampMonotonic)" != "$1" ]; }

# untouched TEXT COMMAND…: the guest and its dnsmasq are the same processes after that, and the guest answers.
untouched() {
    local text=$1 before
    shift
    before=$(lives)
    check "$text" "$@"
    is "… its guest and its dnsmasq run on" "$before" lives
    check "… the guest answers" until_true 60 guest true
    [ -z "${floating_ip:-}" ] || check "… at its floating IP, too" until_true 60 by_floating_ip true
}

now_ms() { echo $(($(date +%s%N) / 1000000)); }
seconds_since() { awk -v ms=$(($(now_ms) - $1)) 'BEGIN { printf "%.1f s\n", ms / 1000 }'; }
# timed TEXT COMMAND…: it succeeds; says how long it took.
timed() {
    local text=$1 before
    before=$(now_ms)
    shift
    check "$text" "$@"
    echo "    $(seconds_since "$before")"
}

# a_guest: a server on a network of its own, with a volume that has something on it and a floating IP.
a_guest() {
    local port
    install -m 644 build/guest.qcow2 "$machine_dir/opt/guest.qcow2"
    check "keypair create" cloudbox keypair create me --private-key /root/key
    check "image create" cloudbox image create guest --file /opt/guest.qcow2 --disk-format qcow2 --wait
    check "security-group allow" cloudbox security-group allow default --protocol tcp --port 22
    check "router create" cloudbox router create edge --gateway public
    check "network create" cloudbox network create inner --subnet 10.77.0.0/24 --router edge
    check "volume create" cloudbox volume create data --size 1 --wait
    check "vm create" cloudbox vm create web --image guest --network inner --key me --volume data --wait
    port=$(cloudbox port list --vm web -q)
    check "floating-ip create" cloudbox floating-ip create public --port "$port" -o json
    floating_ip=$(jq -r .floating_ip_address "$check_output")
    if ! until_true 120 guest true; then
        on_machine journalctl -u cloudbox -n 30 --no-pager -o cat >"$check_output"
        fail "a guest answers SSH"
        return
    fi
    pass "a guest answers SSH"
    check "… at its floating IP, too" until_true 30 by_floating_ip true
    check "… and writes to its volume" guest 'sudo mke2fs -q /dev/vdb && sudo mount /dev/vdb /mnt && echo kept | sudo tee /mnt/file >/dev/null && sync && sudo umount /mnt'
}
# What a_guest has written to its volume, and wrote_to_its_disk to its own disk.
on_its_volume() { guest 'sudo mount /dev/vdb /mnt && cat /mnt/file && sudo umount /mnt'; }
wrote_to_its_disk() { guest 'echo kept | sudo tee /root/mark >/dev/null && sync'; }
on_its_disk() { guest sudo cat /root/mark; }

# PSS of the services that a cloud is made of, guests aside, in MiB.
machine_memory() {
    local pid name total=0
    for pid in $(on_machine sh -c 'for unit in cloudbox libvirtd virtlogd virtlockd; do cat /sys/fs/cgroup/system.slice/$unit.service/cgroup.procs 2>/dev/null; done'); do
        name=$(on_machine cat "/proc/$pid/comm" 2>/dev/null) || continue
        [[ $name == qemu* ]] || total=$((total + $(on_machine awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup")))
    done
    echo $((total / 1024))
}
ready_ms() { echo $((($(service ActiveEnterTimestampMonotonic) - $(service ExecMainStartTimestampMonotonic)) / 1000)); }

# fresh_machine SUITE DIR FILE.deb: a machine that has never seen cloudbox or libvirt, with all at hand that apt will want.
fresh_machine() {
    machine_root "$1" "$2" && install -m 644 "$3" "$2/opt/cloudbox.deb" && install -m 644 build/guest.qcow2 "$2/opt/guest.qcow2" &&
        downloaded "$2" /opt/cloudbox.deb && machine_start "$2"
}

# from_package_to_guest: on a fresh machine, what somebody types until a guest answers; how long each took, and all of it.
from_package_to_guest() {
    local began
    began=$(now_ms)
    timed "apt install" on_machine apt-get "${apt_options[@]}" install /opt/cloudbox.deb
    first_ready=$(ready_ms)
    timed "keypair create" cloudbox keypair create me --private-key /root/key
    timed "security-group allow" cloudbox security-group allow default --protocol tcp --port 22
    timed "vm create" cloudbox vm create web --image /opt/guest.qcow2 --network default --key me
    timed "a guest answers SSH" until_true 120 guest true
    echo "    from the package to SSH: $(seconds_since "$began")"
}
