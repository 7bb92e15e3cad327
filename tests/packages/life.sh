# Sourced by the suite of packages: the life of an installed one, on a machine of its own (tests/lib/machine.sh).

cloudbox() { on_machine timeout 150 cloudbox "$@"; }
service() { on_machine systemctl show -P "$1" cloudbox.service; }
is_active() { [ "$(service ActiveState)" = active ]; }
guest() { timeout 60 nsenter --target "$machine_pid" --all --root --wd env -i PATH=/usr/bin:/usr/sbin:/bin HOME=/root \
    cloudbox vm ssh web --identity /root/key --user cirros --timeout 20 -- "$@" 2>/dev/null; }
# What must not change while the service comes and goes.
lives() { on_machine sh -c 'cat /run/libvirt/qemu/*.pid /run/cloudbox/cb/dhcp/*/pid'; }
# Whatever the cloud has on the machine, apart from its files.
on_host() {
    on_machine virsh --quiet list --all
    on_machine ip -br link | sed '/^lo /d'
    on_machine ls /run/netns 2>/dev/null
    on_machine nft list tables
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
}

# a_guest: a server with a volume that has something on it.
a_guest() {
    install -m 644 build/guest.qcow2 "$machine_dir/opt/guest.qcow2"
    check "keypair create" cloudbox keypair create me --private-key /root/key
    check "image create" cloudbox image create guest --file /opt/guest.qcow2 --disk-format qcow2 --wait
    check "security-group allow" cloudbox security-group allow default --protocol tcp --port 22
    check "volume create" cloudbox volume create data --size 1 --wait
    check "vm create" cloudbox vm create web --image guest --network default --key me --volume data --wait
    if ! until_true 120 guest true; then
        on_machine journalctl -u cloudbox -n 30 --no-pager -o cat >"$check_output"
        fail "a guest answers SSH"
        return
    fi
    pass "a guest answers SSH"
    check "… and writes to its volume" guest 'sudo mke2fs -q /dev/vdb && sudo mount /dev/vdb /mnt && echo kept | sudo tee /mnt/file >/dev/null && sync && sudo umount /mnt'
}

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

secrets_are_kept() {
    on_machine setpriv --reuid 65534 --regid 65534 --clear-groups sh -c '
        cd /var/lib/cloudbox && ! ls . 2>/dev/null || exit 1
        for file in cloudbox.db cloudbox.db-wal clouds.yaml cloud-id images keys tls volumes network; do ! ls "$file/" 2>/dev/null && ! cat "$file" 2>/dev/null || { echo "$file"; exit 1; }; done'
}

the_unit() {
    clean "systemd-analyze verify has nothing to say of the unit" on_machine systemd-analyze verify --man=no /usr/lib/systemd/system/cloudbox.service
    # 10 is no protection at all; what it may not give up is explained in the unit.
    check "systemd-analyze security: at most 6.0" on_machine systemd-analyze security --threshold=60 --no-pager cloudbox.service
    is "the kernel's parameters are known" "60-cloudbox.conf" on_machine sh -c '/usr/lib/systemd/systemd-sysctl --cat-config 2>/dev/null | sed -n "s|^# /usr/lib/sysctl.d/\(60-cloudbox.conf\)|\1|p"'
}

power_cut() {
    machine_off
    machine_start "$machine_dir"
}

life_of_deb() {
    echo "$1: the .deb"
    local root=$work/$1
    machine_root "$1" "$root" && chrooted "$root" apt-get "${apt_options[@]}" update || { fail "a root of $1"; return; }
    install -m 644 "$older_deb" "$root/opt/older.deb"
    install -m 644 "$deb" "$root/opt/newer.deb"
    # A chroot without systemd, as when an image is made.
    check "the older version installs where nothing runs" chrooted "$root" apt-get "${apt_options[@]}" install /opt/older.deb
    check "… and once more" chrooted "$root" apt-get "${apt_options[@]}" --reinstall install /opt/older.deb

    machine_start "$root" || { fail "the machine starts"; return; }
    is "the service is there after the machine's start" "active" service ActiveState
    echo "    ready after $(ready_ms) ms; without guests $(machine_memory) MiB"
    the_unit
    check "nobody reads what is the administrator's" secrets_are_kept
    a_guest

    untouched "the service stops and starts" on_machine systemctl restart cloudbox
    untouched "it is killed and comes back" restarted on_machine systemctl kill --kill-whom=main --signal=KILL cloudbox
    untouched "it is told to read its configuration again" on_machine systemctl reload cloudbox
    on_machine sed -i 's/^#\(shutdown_timeout_secs\) = .*/\1 = 15/' /etc/cloudbox/cloudbox.toml
    untouched "an upgrade takes over" restarted on_machine dpkg -i /opt/newer.deb
    is "… to the newer version" "$(dpkg-deb -f "$deb" Version)" on_machine dpkg-query -W -f '${Version}' cloudbox
    is "… the configuration keeps what was changed" "shutdown_timeout_secs = 15" on_machine grep '^[a-z]' /etc/cloudbox/cloudbox.toml

    check "the power fails and comes back" power_cut
    check "… the guest is started again and answers" until_true 120 guest true
    is "… what it had written is there" "kept" guest 'sudo mount /dev/vdb /mnt && cat /mnt/file && sudo umount /mnt'
    is "… and it is ACTIVE" "ACTIVE" sh -c "$(declare -f cloudbox on_machine); machine_pid=$machine_pid; cloudbox vm show web -o json | jq -r .status"

    check "it is removed" on_machine dpkg --remove cloudbox
    is "… nothing runs or is wired any more" "" on_host
    check "… its data stays" on_machine test -s /var/lib/cloudbox/cloudbox.db -a -s /etc/cloudbox/cloudbox.toml
    check "it is installed again, on a machine that runs" on_machine dpkg -i /opt/newer.deb
    is "… and started" "active" service ActiveState
    check "… the guest comes back" until_true 120 guest true
    check "it is purged" on_machine dpkg --purge cloudbox
    is "… nothing runs or is wired any more" "" on_host
    is "… and no file is left" "" files_left
    machine_off
    [ -n "${KEEP:-}" ] || rm -rf "$root"
}

life_of_rpm() {
    echo "the .rpm, on a root of $1"
    # Fedora's own packages cannot be had here: the programs are Debian's, so that dependencies are not looked at.
    local root=$work/rpm-$1 needs
    needs=$(dpkg-deb -f "$deb" Depends | sed -E 's/ \([^)]*\)//g; s/,//g')
    machine_root "$1" "$root" && chrooted "$root" apt-get "${apt_options[@]}" update &&
        chrooted "$root" apt-get "${apt_options[@]}" install $needs rpm || { fail "a root for the .rpm"; return; }
    install -m 644 "$older_rpm" "$root/opt/older.rpm"
    install -m 644 "$rpm" "$root/opt/newer.rpm"
    machine_start "$root" || { fail "the machine starts"; return; }
    check "the older version installs" on_machine rpm --install --nodeps /opt/older.rpm
    check "… and is enabled by the usual command" on_machine systemctl enable --now cloudbox
    is "… and runs" "active" service ActiveState
    a_guest
    on_machine sed -i 's/^#\(shutdown_timeout_secs\) = .*/\1 = 15/' /etc/cloudbox/cloudbox.toml
    untouched "an upgrade takes over" restarted on_machine rpm --upgrade --nodeps /opt/newer.rpm
    is "… the configuration keeps what was changed" "shutdown_timeout_secs = 15" on_machine grep '^[a-z]' /etc/cloudbox/cloudbox.toml
    check "it is erased" on_machine rpm --erase cloudbox
    is "… nothing runs or is wired any more" "" on_host
    check "… its data stays" on_machine test -s /var/lib/cloudbox/cloudbox.db
    machine_off
    [ -n "${KEEP:-}" ] || rm -rf "$root"
}
