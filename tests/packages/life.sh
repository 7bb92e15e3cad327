# Sourced by the suite of packages: the lives of installed ones, each on a machine of its own (tests/lib/machine.sh).

# The newest version whose database is kept: what an upgrade begins with.
previous_version() { ls tests/appliance/upgrades | sort -V | tail -1; }

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

# hangs: the process stands still; systemd's watchdog, which is made impatient for it, finds out.
hangs() {
    on_machine systemctl kill --kill-whom=main --signal=STOP cloudbox && is_active
}
impatient_watchdog() {
    on_machine sh -c 'mkdir -p /run/systemd/system/cloudbox.service.d && printf "[Service]\nWatchdogSec=%s\n" "$0" >/run/systemd/system/cloudbox.service.d/watchdog.conf &&
        systemctl daemon-reload && systemctl restart cloudbox' "$1"
}
patient_watchdog() {
    on_machine sh -c 'rm -r /run/systemd/system/cloudbox.service.d && systemctl daemon-reload && systemctl restart cloudbox'
}

# All that the machine has of the cloud is lost, but for a backup.
back_from_a_backup() {
    check "the guest writes to its own disk" wrote_to_its_disk
    check "… and is shut down" cloudbox vm stop web --wait
    check "a backup with everything is made while the service runs" cloudbox backup create /opt/all.cbx --volumes --servers
    check "its data is lost" on_machine sh -c 'systemctl stop cloudbox && cloudbox clear-host && find /var/lib/cloudbox -mindepth 1 -delete'
    is "… nothing runs or is wired any more" "" on_host
    check "it is restored" cloudbox restore /opt/all.cbx
    check "… and starts" on_machine systemctl start cloudbox
    check "… the guest, too" cloudbox vm start web --wait
    check "… which answers" until_true 120 guest true
    check "… at its floating IP, too" until_true 60 by_floating_ip true
    is "… what it had written to its disk is there" "kept" on_its_disk
    is "… and to its volume" "kept" on_its_volume
}

# gone TEXT COMMAND…: after that the package's cloud is off the machine; what it has on the disk is another matter.
gone() {
    check "$@"
    is "… nothing runs or is wired any more" "" on_host
}

# The data directory as a released version left it, in a root on which nothing runs yet.
released_data() {
    local kept=tests/appliance/upgrades/$1 data=$2/var/lib/cloudbox
    mkdir -p -m 711 "$data" &&
        python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2]).read())' "$data/cloudbox.db" "$kept/cloudbox.sql" &&
        install -m 600 "$kept/clouds.yaml" "$kept/cloud-id" "$data/"
}

# upgraded_data ROOT: the older package, with the data that this version has left, becomes the newer one.
upgraded_data() {
    local root=$1 version
    version=$(previous_version)
    check "a cloud of $version is there" released_data "$version" "$root"
    check "the newer version is installed over it" chrooted "$root" apt-get "${apt_options[@]}" install /opt/newer.deb
    machine_start "$root" || { fail "the machine starts"; return 1; }
    is "… its service starts" "active" service ActiveState
    check "… a copy of the database was made before it was changed" on_machine sh -c 'ls /var/lib/cloudbox/cloudbox.db.before-*'
    is "… its servers are there" "old-server" cloudbox vm list -o name
    is "… its images" "old-image" cloudbox image list -o name
    is "… its volumes" "old-volume" cloudbox volume list -o name
    is "… its keys" "old-key" cloudbox keypair list -o name
    gone "it is purged" on_machine dpkg --purge cloudbox
    is "… and no file is left" "" files_left
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
    upgraded_data "$root" || return

    check "the older version installs on a machine that runs" on_machine dpkg -i /opt/older.deb
    is "… and its service is started" "active" service ActiveState
    echo "    ready after $(ready_ms) ms; without guests $(machine_memory) MiB"
    the_unit
    check "nobody reads what is the administrator's" secrets_are_kept
    a_guest

    untouched "the service stops and starts" on_machine systemctl restart cloudbox
    untouched "it is killed and comes back" restarted on_machine systemctl kill --kill-whom=main --signal=KILL cloudbox
    check "its watchdog barks after four seconds" impatient_watchdog 4
    untouched "it hangs and is started again" restarted hangs
    is "… by the watchdog" "watchdog" on_machine sh -c "journalctl -u cloudbox -o cat | grep -om1 watchdog"
    untouched "the watchdog is as it was" patient_watchdog
    untouched "it is told to read its configuration again" on_machine systemctl reload cloudbox
    on_machine sed -i 's/^#\(shutdown_timeout_secs\) = .*/\1 = 15/' /etc/cloudbox/cloudbox.toml
    untouched "an upgrade takes over" restarted on_machine dpkg -i /opt/newer.deb
    is "… to the newer version" "$(dpkg-deb -f "$deb" Version)" on_machine dpkg-query -W -f '${Version}' cloudbox
    is "… the configuration keeps what was changed" "shutdown_timeout_secs = 15" on_machine grep '^[a-z]' /etc/cloudbox/cloudbox.toml

    check "the power fails and comes back" power_cut
    check "… the guest is started again and answers" until_true 120 guest true
    check "… at its floating IP, too" until_true 60 by_floating_ip true
    is "… what it had written is there" "kept" on_its_volume
    says "… and it is ACTIVE" '^web +ACTIVE' cloudbox vm list --no-headers --columns Name,Status
    back_from_a_backup
    gone "it is removed" on_machine dpkg --remove cloudbox
    check "… its data stays" on_machine test -s /var/lib/cloudbox/cloudbox.db -a -s /etc/cloudbox/cloudbox.toml
    check "it is installed again" on_machine dpkg -i /opt/newer.deb
    is "… and started" "active" service ActiveState
    check "… the guest comes back" until_true 120 guest true
    is "… with its volume" "kept" on_its_volume
    gone "it is purged" on_machine dpkg --purge cloudbox
    is "… and no file is left" "" files_left
    floating_ip=
    machine_gone "$root"
}

# fresh_install SUITE: nothing but a package and three commands.
fresh_install() {
    echo "$1: from the package to a guest"
    local root=$work/fresh-$1
    fresh_machine "$1" "$root" "$deb" >"$check_output" 2>&1 || { fail "a machine of $1"; return; }
    from_package_to_guest
    echo "    the service was ready after $first_ready ms; cloudbox and libvirt, without the guest: $(machine_memory) MiB"
    check "… at most 150 MiB" test "$(machine_memory)" -le 150
    # Ubuntu's libvirt starts a network of its own.
    on_machine virsh --quiet net-destroy default >/dev/null 2>&1
    gone "it is purged" on_machine dpkg --purge cloudbox
    is "… and no file is left" "" files_left
    machine_gone "$root"
}

life_of_rpm() {
    echo "the .rpm, on a root of $1"
    # Fedora's own packages cannot be had here: the programs are Debian's, so that dependencies are not looked at.
    local root=$work/rpm-$1 needs
    needs=$(dpkg-deb -f "$deb" Depends | sed -E 's/ \([^)]*\)//g; s/,//g')
    machine_root "$1" "$root" && chrooted "$root" apt-get "${apt_options[@]}" update &&
        chrooted "$root" apt-get "${apt_options[@]}" install $needs rpm >"$check_output" 2>&1 || { fail "a root for the .rpm"; return; }
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
    gone "it is erased" on_machine rpm --erase cloudbox
    check "… its data stays" on_machine test -s /var/lib/cloudbox/cloudbox.db
    floating_ip=
    machine_gone "$root"
}

machine_gone() {
    machine_off
    [ -n "${KEEP:-}" ] || rm -rf "$1"
}
