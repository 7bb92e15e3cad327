#!/bin/bash
# Real guests, booted with OpenStack's own clients: with the `openstack` command (metadata service), then with openstacksdk
# (config drive). Afterwards nothing is left on the host.
#
# Networks of guests need root: what needs no root is done first, the rest through sudo. KEEP=1 keeps the logs.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/clients.sh
. tests/lib/cloud.sh

if [ -z "${REAL_BOOT_PREPARED:-}" ]; then
    ensure_cloud_binary && clients_venv && tests/guest/build.sh build/guest.qcow2 || exit 1
    export REAL_BOOT_PREPARED=1
fi
if [ "$(id -u)" != 0 ]; then
    rm -f "$check_output"
    exec sudo --preserve-env=CLOUDBOX,KEEP,REAL_BOOT_PREPARED "$0" "$@"
fi
clients_venv || exit 1
prefix=cbt
work=$(mktemp -d /var/tmp/cloudbox-boot.XXXXXX)
take_down() {
    stop_cloud
    [ -n "${KEEP:-}" ] && echo "kept: $work" || rm -rf "$work"
}
trap take_down EXIT
trap 'exit 130' INT TERM
start_cloud "$work/cloud" $prefix 10.198.0.0/24 || exit 1
chmod 711 "$work"

# What guests and networks have on the host. A network's namespace and dnsmasq come with its first port, and stay.
guests_on_host() { pgrep -fc "qemu-system.*$cloud_dir/"; }
taps_on_host() { ip -o link | grep -cE "^[0-9]+: ${prefix}tp[0-9a-f]{10}[@:]"; }
namespaces_on_host() { ip netns list | grep -cE "^${prefix}(dhcp|router)-"; }
dnsmasqs_on_host() { pgrep -fc "dnsmasq.*/run/cloudbox/$prefix/"; }
on_host() { echo "guests $(guests_on_host) taps $(taps_on_host) namespaces $(namespaces_on_host) dnsmasqs $(dnsmasqs_on_host)"; }
on_host_is() { on_host; [ "$(on_host)" = "$1" ]; }

show() {
    local field=$1
    shift
    openstack "$@" -f json | jq -r --arg field "$field" '.[$field]'
}
status_is() { [ "$(show status "$1" show "$2")" = "$3" ]; }
log_has() { openstack console log show "$1" | grep -aqE -- "$2"; }
on_guest() {
    timeout 30 ssh -i "$work/key" -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o LogLevel=ERROR -o ConnectTimeout=5 "cirros@$address" "$@" </dev/null
}

echo "the openstack command"
check "token issue" openstack token issue
check "keypair create" sh -c "openstack keypair create --private-key '$work/key' mine && chmod 600 '$work/key'"
is "image create" "active" show status image create --file build/guest.qcow2 --disk-format qcow2 --public guest
says "network list" 'default' openstack network list
group=$(openstack security group list --project admin -f json | jq -r '.[] | select(.Name == "default").ID')
check "security group rule create" openstack security group rule create --protocol tcp --dst-port 22 "$group"
check "volume create" openstack volume create --size 1 data
check "it becomes available" until_true 30 status_is volume data available
volume=$(show id volume show data)
printf '#!/bin/sh\necho "user-data has run"\n' >"$work/user-data"

started=$SECONDS
is "server create --wait" "ACTIVE" show status server create --image guest --flavor m1.nano --network default --key-name mine \
    --user-data "$work/user-data" --block-device-mapping "vdb=$volume:volume" --wait first
check "it is on the host" on_host_is "guests 1 taps 1 namespaces 1 dnsmasqs 1"
address=$(openstack server show first -f json | jq -r '.addresses.default[0]')
check "SSH into the guest" until_true 120 on_guest true
echo "    from the request to a shell: $((SECONDS - started)) s"
is "the guest's name" "first" on_guest hostname
is "its address" "$address" on_guest "ip -o -4 address show dev eth0 | sed -E 's/.* inet ([0-9.]+).*/\1/'"
is "the volume, by its serial" "vdb ${volume:0:20}" on_guest 'for disk in /sys/block/vd?; do s=$(cat $disk/serial 2>/dev/null); [ -z "$s" ] || echo "${disk##*/} $s"; done'
check "the guest writes to it" on_guest 'sudo mkfs.ext4 -q /dev/vdb && sudo mount /dev/vdb /mnt && echo kept | sudo tee /mnt/file && sync && sudo umount /mnt'
check "console log show: the boot" until_true 60 log_has first 'boot finished'
check "console log show: the metadata service" log_has first 'metadata from metadata-service'
check "console log show: user-data" until_true 60 log_has first 'user-data has run'
is "the guest asks the metadata service" "$(show id server show first)" on_guest 'curl -sf http://169.254.169.254/openstack/latest/meta_data.json | jq -r .uuid'

is "server stop" "" openstack server stop first
check "it is off" until_true 90 status_is server first SHUTOFF
is "server start" "" openstack server start first
check "it is on" until_true 60 status_is server first ACTIVE
check "SSH again" until_true 120 on_guest true
is "what was written is there" "kept" on_guest 'sudo mount /dev/vdb /mnt && cat /mnt/file && sudo umount /mnt'
check "server remove volume" openstack server remove volume first data
check "it is available" until_true 60 status_is volume data available
is "the guest has lost it" "" on_guest 'cat /sys/block/vdb/serial 2>/dev/null; true'

echo "an image of a guest that runs"
check "the guest writes a file" on_guest 'echo kept | sudo tee /etc/kept >/dev/null && sync'
check "vm image" "$cloud_binary" vm image first --name copy
is "it is a snapshot" "snapshot $(show id server show first)" sh -c "'$cloud_binary' image show copy -o json | jq -r '.image_type + \" \" + .instance_uuid'"
check "image save" "$cloud_binary" image save copy --file "$work/copy.qcow2"
is "it lies on nothing" "null" sh -c "qemu-img info --output=json '$work/copy.qcow2' | jq -r '.\"backing-filename\"'"
check "it is whole" qemu-img check -q "$work/copy.qcow2"
check "the guest has gone on" on_guest true
is "server create of the image" "ACTIVE" show status server create --image copy --flavor m1.nano --network default --key-name mine --wait second
first_address=$address
address=$(openstack server show second -f json | jq -r '.addresses.default[0]')
check "SSH into it" until_true 120 on_guest true
is "the file is there" "kept" on_guest 'cat /etc/kept'
check "server stop" openstack server stop second
check "it is off" until_true 90 status_is server second SHUTOFF
check "vm image of a guest that is off" "$cloud_binary" vm image second --name cold
check "server delete --wait" openstack server delete --wait second
check "image delete" openstack image delete copy cold
address=$first_address
is "no copy is left on the host" "" find "$cloud_dir/data/instances" -name '*.snapshot'

echo "the trace"
is "every step, B1 to B16" "$(seq -f 'B%.0f' 16)" sh -c "'$cloud_binary' vm trace first -o json | jq -r '.steps[].step' | sort -uV"
is "each well" "ok" sh -c "'$cloud_binary' vm trace first -o json | jq -r '.steps[].result' | sort -u"
says "as a table" 'B16 .*' "$cloud_binary" vm trace first

check "server delete --wait" openstack server delete --wait first
check "volume delete" openstack volume delete data
check "nothing of it is left on the host" until_true 20 on_host_is "guests 0 taps 0 namespaces 1 dnsmasqs 1"

echo "openstacksdk"
log=$work/sdk.log
BOOT_IMAGE=guest python3 tests/clients/sdk_boot.py "$work" 2>&1 | tee "$log"
add_counts "$log" "${PIPESTATUS[0]}"
check "nothing of it is left on the host" until_true 20 on_host_is "guests 0 taps 0 namespaces 1 dnsmasqs 1"

echo "afterwards"
is "no server's files are left" "" sh -c "find '$cloud_dir/data' -path '*instances*' -type f"
is "no volume's file is left" "" sh -c "find '$cloud_dir/data' -path '*volumes*' -type f"
grep -aE 'panicked| ERROR ' "$cloud_dir/serve.log" >"$check_output"
check "the log holds no error" test ! -s "$check_output"
stop_cloud
nothing_left() {
    on_host_is "guests 0 taps 0 namespaces 0 dnsmasqs 0" && ! ip -o link | grep -qE "^[0-9]+: $prefix[a-z]{2}[0-9a-f]{10}[@:]" &&
        ! nft list tables | grep -qE " $prefix\$" && [ ! -e "/run/cloudbox/$prefix" ]
}
check "after the cloud nothing is left" until_true 20 nothing_left
finish
