#!/bin/bash
# What happens to guests, libvirt and the host's network behind cloudbox's back, with real guests: the API shows the truth
# within a second, what is broken is repaired, the health endpoint says so, and what is somebody else's is left alone.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/cloud.sh
. tests/lib/libvirtd.sh

work=$(mktemp -d /var/tmp/cloudbox-truth.XXXXXX)
clean_up() {
    stop_cloud
    stop_libvirtd
    mountpoint -q "$work/cloud/data/instances" && umount -l "$work/cloud/data/instances"
    rm -rf "$work"
}
trap clean_up EXIT
ensure_cloud_binary && tests/guest/build.sh build/guest.qcow2 || exit 1
cloudbox() { "$cloud_binary" "$@"; }

# A small disk for guests, to be filled.
mkdir -p "$work/cloud/data/instances"
truncate -s 3400M "$work/disk.img" && mke2fs -q -F -t ext4 -m 0 "$work/disk.img" && mount -o loop "$work/disk.img" "$work/cloud/data/instances" || exit 1

health() { curl -s "$cloud_url/readyz"; }
healthy() { health | jq -e '., .status == "ok"'; }
complains() { health | jq -e --arg reason "$1" '.status == "degraded" and (.reasons | index($reason))'; }
repaired() { health | jq -e --arg what "$1" '[.parts[].repairs[].what] | index($what)'; }
logged() { grep -aqE "$1" "$work/cloud/serve.log"; }
server() { api GET "/compute/v2.1/servers/$id" | jq -r ".server | $1"; }
# shows STATUS POWER: what the API says of the server now.
shows() { [ "$(server '"\(.status) \(."OS-EXT-STS:power_state") \(."OS-EXT-STS:task_state")"')" = "$1 $2 null" ]; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
# within_a_second TEXT COMMAND…: comes true within a second from now.
within_a_second() {
    local text=$1 began took
    shift
    began=$(now_ms)
    until "$@" >"$check_output" 2>&1; do
        if [ $(($(now_ms) - began)) -gt 10000 ]; then
            server . >"$check_output"
            fail "$text" "not within 10 s: $*"
            return
        fi
        sleep 0.02
    done
    took=$(($(now_ms) - began))
    if [ $took -le 1000 ]; then pass "$text ($took ms)"; else fail "$text" "took $took ms"; fi
}
qemu_pid() { cat "$libvirtd_dir/run/qemu/$name.pid"; }
gone() { ! kill -0 "$1" 2>/dev/null; }
on() { timeout 30 "$cloud_binary" vm ssh guest --identity "$work/key" --user cirros --accept-new --timeout 10 -- "$@"; }
wait_for_guest() { check "the guest answers SSH" until_true 180 on true; }

echo "libvirt is not there at the start"
libvirtd_dir=$work/libvirtd
cloud_hypervisor=$(libvirtd_uri "$libvirtd_dir")
cloud_config=$'[compute]\nshutdown_timeout_secs = 8' start_cloud "$work/cloud" ctr 10.197.0.0/24 || exit 1
pass "cloudbox starts all the same"
check "… and says what is missing" complains "libvirt is not reachable"
check "… the other APIs work" cloudbox keypair create key --private-key "$work/key"
check "image" cloudbox image create cirros --file build/guest.qcow2 --disk-format qcow2 --wait
allow_ssh_and_ping
start_libvirtd "$libvirtd_dir" || exit 1
check "once it is there all is well" until_true 20 healthy
check "flavor" cloudbox flavor create small --ram 192 --disk 1
check "a server is made" cloudbox vm create guest --image cirros --flavor small --key key --wait || exit 1
id=$(api GET /compute/v2.1/servers | jq -r '.servers[0].id')
name=$(server '."OS-EXT-SRV-ATTR:instance_name"')

echo "guests of others, one of them a copy of ours"
mark=$(virsh_there dumpxml "$name" | sed -n '/<metadata>/,/<\/metadata>/p')
foreign() {
    printf '<domain type="qemu"><name>%s</name>%s<memory unit="MiB">32</memory><os><type machine="q35">hvm</type></os></domain>' \
        "$1" "$2" >"$work/foreign.xml"
    virsh_there define "$work/foreign.xml" && virsh_there start "$1"
}
check "run beside ours" foreign theirs "" && check "… and a copy" foreign copy "$mark"
others_run() { [ "$(virsh_there list --name | grep -cxE 'theirs|copy')" = 2 ]; }
is "the API does not know them" 1 eval "api GET /compute/v2.1/servers | jq '.servers | length'"
wait_for_guest

echo "by hand: paused, and let go on"
virsh_there suspend "$name"
within_a_second "paused" shows ACTIVE 3
virsh_there resume "$name"
within_a_second "runs" shows ACTIVE 1

echo "a full disk"
# All but 20 MiB.
fallocate -l $(($(stat -f -c '%a * %S' "$work/cloud/data/instances") - 20 * 1048576)) "$work/cloud/data/instances/filler"
# Past the end of its file system, on the disk that the flavor has. The session hangs with the guest.
timeout 180 "$cloud_binary" vm ssh guest --identity "$work/key" --user cirros --accept-new -- \
    sudo dd if=/dev/zero of=/dev/vda bs=1M seek=800 count=120 conv=fsync >/dev/null 2>&1 &
writing=$!
paused() { [ "$(virsh_there domstate "$name")" = paused ]; }
check "the guest is paused when it writes" until_true 60 paused
within_a_second "the API says so" shows ACTIVE 3
check "… and the log says why" logged "a guest is paused: its disk cannot be written"
rm "$work/cloud/data/instances/filler"
sync -f "$work/cloud/data/instances"
# What QEMU had under way may have failed, too, and pause it once more.
goes_on() {
    while kill -0 "$writing" 2>/dev/null; do
        ! paused || virsh_there resume "$name"
        sleep 0.3
    done
    wait "$writing"
}
check "with room it goes on, and nothing of what it wrote is lost" goes_on
within_a_second "the API says so" shows ACTIVE 1

echo "dnsmasq killed, a tap deleted"
dnsmasq() { cat /run/cloudbox/ctr/dhcp/*/pid; }
old=$(dnsmasq)
kill -9 "$old"
another_dnsmasq() { local pid; pid=$(dnsmasq) && [ "$pid" != "$old" ] && kill -0 "$pid"; }
check "dnsmasq is started again" until_true 10 another_dnsmasq
check "… and the health endpoint tells" until_true 5 repaired "dnsmasq was started again"
tap=$(ip -o link | sed -nE 's/^[0-9]+: (ctrtp[0-9a-f]{10}).*/\1/p')
index() { cat "/sys/class/net/$tap/ifindex"; }
old=$(index)
ip link delete "$tap"
another_tap() { local now; now=$(index 2>/dev/null) && [ "$now" != "$old" ]; }
check "the tap is made anew" until_true 10 another_tap
check "… and the health endpoint tells" until_true 5 repaired "devices of the network were made anew"
check "… and the log" logged 'somebody has removed devices of the network.*ctrtp'
lost="a guest has lost its network device and needs a hard reboot"
check "that its guest needs a reboot is said" until_true 30 complains "$lost"
check "… in the log, too" logged "somebody has deleted a guest's network device"
check "is rebooted" cloudbox vm reboot guest --hard --wait
check "all is well again" until_true 30 healthy
wait_for_guest

echo "shut down from inside"
pid=$(qemu_pid)
on sudo poweroff >/dev/null 2>&1
check "the guest powers off" until_true 60 gone "$pid"
within_a_second "the API says so" shows SHUTOFF 4

echo "started by somebody else's hand, though it is to be off"
virsh_there start "$name"
is_off() { [ "$(virsh_there domstate "$name")" = "shut off" ] && shows SHUTOFF 4; }
check "is stopped again, as Nova does" until_true 40 is_off

echo "killed from outside"
check "is started" cloudbox vm start guest --wait
# Libvirt itself may take its time to notice, where the kernel takes a process's remains away at its leisure.
die() { kill -9 "$1" && until_true 10 ended; }
ended() { ! virsh_there list --name | grep -qx "$name"; }
die "$(qemu_pid)"
within_a_second "the API says so" shows SHUTOFF 4

echo "undefined by somebody else's hand"
check "is started" cloudbox vm start guest --wait
virsh_there undefine "$name"
check "runs on" shows ACTIVE 1
die "$(qemu_pid)"
within_a_second "its end is seen all the same" shows SHUTOFF 0
check "can be started: it is made anew" cloudbox vm start guest --wait
check "… and runs" shows ACTIVE 1

echo "libvirtd killed"
pid=$(qemu_pid)
kill_libvirtd
check "is seen" until_true 5 complains "libvirt is not reachable"
check "the API answers meanwhile" shows ACTIVE 1
kill -9 "$pid"
start_libvirtd "$libvirtd_dir" || exit 1
check "is found again" until_true 20 healthy
check "what happened meanwhile is seen" until_true 15 shows SHUTOFF 4
check "… and the log tells of both" logged 'connected to libvirt'

echo "the others"
check "is started" cloudbox vm start guest --wait
check "run on" others_run
kill "$cloud_pid" && wait "$cloud_pid" 2>/dev/null
serve_until_ready --config "$work/cloud/cloudbox.toml" --hypervisor "$cloud_hypervisor" || exit 1
api_token=
check "all is well after a restart" until_true 20 healthy
check "they run on" others_run
check "our server is deleted" cloudbox vm delete guest --wait
check "they run on" others_run
is "nothing of ours is left" "copy theirs" eval "virsh_there list --all --name | sort | xargs"
grep -aE 'panicked' "$work/cloud/serve.log" >"$check_output"
check "nothing panicked" test ! -s "$check_output"
finish
