#!/bin/bash
# Boots the small guest under plain QEMU (no cloudbox, no root, no KVM) and checks what tests rely on:
# tests/guest/check.sh [GUEST.qcow2]. About a minute; everything it starts or writes is gone afterwards.
set -uo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
passed=0 failed=0 qemu_pid=

cleanup() {
    [ -z "$qemu_pid" ] || kill "$qemu_pid" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

# check NAME COMMAND...: one line, one count.
check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok   $name"
    else
        failed=$((failed + 1))
        printf 'FAIL %s\n' "$name"
        printf '%s\n' "$output" | tail -15 | sed 's/^/     | /'
    fi
}

# within SECONDS COMMAND...: tries until it succeeds.
within() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || { "$@"; return; }
        sleep 0.2
    done
}

prologue='set -eu -o pipefail; PATH=$PATH:/sbin:/usr/sbin;'
ssh_options=(-p 0 -i "$work/key" -o StrictHostKeyChecking=accept-new -o "UserKnownHostsFile=$work/known_hosts" -o LogLevel=ERROR
    -o ConnectTimeout=5 -o IdentitiesOnly=yes -o "ControlPath=$work/ssh" -o ControlMaster=auto -o ControlPersist=30)
guest() { timeout 30 ssh "${ssh_options[@]}" cirros@127.0.0.1 "$prologue $*"; }
# guest_says TEXT COMMAND: exactly this output.
guest_says() {
    local expected=$1 got
    shift
    got=$(guest "$@") || { echo "exit status $?: $got"; return 1; }
    [ "$got" = "$expected" ] || { printf 'expected: %s\ngot:      %s\n' "$expected" "$got"; return 1; }
}
console() { grep -aqE "$1" "$work/console"; }
consoles() { [ "$(grep -acE "$1" "$work/console")" -ge "$2" ]; }
monitor() { echo "$*" >&"${qemu[1]}"; }
gone() { ! kill -0 "$qemu_pid" 2>/dev/null; }

# boot NETDEV QEMU-OPTION...: QEMU with its monitor on a pipe; SSH on a port that was free a moment ago.
boot() {
    local netdev=$1 port
    shift
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    ssh_options[1]=$port
    : >"$work/console"
    coproc qemu { exec qemu-system-x86_64 -machine q35,accel=tcg -m 192 -smp 1 -display none -monitor stdio \
        -serial "file:$work/console" -drive "if=virtio,format=qcow2,file=$work/disk.qcow2" \
        -netdev "user,id=net0,hostfwd=tcp:127.0.0.1:$port-:22$netdev" \
        -device virtio-net-pci,netdev=net0,mac=52:54:00:12:34:56 -device virtio-rng-pci \
        -device pcie-root-port,id=slot1,chassis=1 -device pcie-root-port,id=slot2,chassis=2 \
        "$@" 2>"$work/qemu.err"; }
    qemu_pid=$qemu_PID
}
end_qemu() {
    kill -9 "$qemu_pid" 2>/dev/null
    wait "$qemu_pid" 2>/dev/null
}
close_ssh() { ssh "${ssh_options[@]}" -O exit cirros@127.0.0.1 2>/dev/null; }

password_login() {
    printf '#!/bin/sh\necho gocubsgo\n' >"$work/askpass"
    chmod +x "$work/askpass"
    SSH_ASKPASS=$work/askpass SSH_ASKPASS_REQUIRE=force timeout 30 ssh "${ssh_options[@]:0:2}" -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no cirros@127.0.0.1 true
}

image=${1:-$work/guest.qcow2}
[ $# -gt 0 ] || "$here/build.sh" "$image" || exit 1
ssh-keygen -q -t ecdsa -N '' -f "$work/key"
meta_data() {
    printf '{"uuid": "%s", "hostname": "%s.novalocal", "meta": {"quoted": "a \\" b"}, "public_keys": {"mykey": "%s\\n"}}' \
        "$1" "$2" "$(cat "$work/key.pub")"
}

echo "== config drive"
mkdir -p "$work/drive/openstack/latest"
meta_data 11111111-2222-4333-8444-555555555555 Box-One >"$work/drive/openstack/latest/meta_data.json"
printf '#!/bin/bash\n[[ $(hostname) = Box-One ]] && echo "told by user-data"\nfalse\n' >"$work/drive/openstack/latest/user_data"
genisoimage -quiet -J -r -V config-2 -o "$work/config.iso" "$work/drive"
qemu-img create -q -f qcow2 -b "$(realpath "$image")" -F qcow2 "$work/disk.qcow2" 1G
truncate -s 64M "$work/volume.raw"
check "the file is at most 64 MiB" test "$(stat -c %s "$image")" -le $((64 * 1024 * 1024))
check "the disk is at most 1 GiB" test "$(qemu-img info --output json "$image" | jq '."virtual-size"')" -le $((1024 * 1024 * 1024))

boot "" -drive "if=virtio,format=raw,readonly=on,file=$work/config.iso"
check "boots" within 60 console 'cloudbox-guest: boot finished'
check "DHCP" console 'cloudbox-guest: eth0 10.0.2.15/24 via 10.0.2.2'
check "a login prompt on the serial port" within 10 console 'Box-One login:'
check "logs in with the instance's key" within 10 guest true
check "logs in with the password" password_login
check "prints the host key's fingerprint" console 'ssh host key .*SHA256:'
check "hostname" guest_says Box-One hostname
check "user-data ran, its output and status are on the console" within 10 console 'told by user-data'
check "user-data's exit status" within 10 console 'user-data ended with 1'
check "sudo" guest_says 0 'sudo -n id -u'
check "a failing command in a pipe fails" guest '! (false | true)'
check "memory" guest 'test $(free -m | grep Mem | awk "{ print \$2 }") -gt 128'
check "CPUs" guest_says 1 'grep -c ^processor /proc/cpuinfo'
check "uptime" guest 'cut -f1 -d. /proc/uptime | grep -E "^[0-9]+$"'
check "writes to the console" guest 'sudo sh -c "echo \"said in passing\" >/dev/console"'
check "… and it arrives" within 5 console 'said in passing'
check "bash" guest_says 3 'bash -c "a=(1 2 3); echo \${#a[@]}"'
check "processes" guest 'ps -ef | grep dropbear | grep -v grep | awk {"print \$1"} | grep -E "^[0-9]"'

check "ip -o link by MAC" guest_says eth0: "ip -o link | awk '/52:54:00:12:34:56/ {print \$2}'"
check "ip -o addr by address" guest_says eth0 "ip -o addr | awk '/10.0.2.15/ {print \$2}'"
check "ip address flush on another NIC" guest 'sudo ip addr add 192.0.2.1/24 dev lo && sudo ip address flush dev lo label lo; sudo ip addr add 127.0.0.1/8 dev lo'
check "ping" guest 'ping -c1 -w5 -s56 10.0.2.2'
check "ping through a NIC" guest 'sudo ping -I eth0 -c1 -w5 -s56 10.0.2.2'
check "IPv6 address from the MAC (router advertisement)" within 15 guest 'ip -6 addr show eth0 | grep -E "fec0::5054:ff:fe12:3456/64"'
check "ping6" guest 'ping6 -c1 -w5 fec0::2'
check "VLAN" guest 'sudo /sbin/modprobe 8021q && /sbin/lsmod | grep ^8021q && sudo /bin/ip link add link eth0 name eth0.7 type vlan id 7 && /bin/ip -d link show eth0.7 | grep "id 7" && sudo ip link del eth0.7'
check "USR1 renews the lease" guest 'sudo sh -c ": >/etc/resolv.conf"; sudo /bin/kill -USR1 $(cat /var/run/udhcpc.eth0.pid); for i in $(seq 50); do grep nameserver /etc/resolv.conf && exit 0; sleep 0.1; done; exit 1'
check "curl" guest 'curl -V | grep ^curl'
check "nc keeps listening (TCP)" guest 'sudo nc -p 80 -lk -e echo foolish >/dev/null 2>&1 & sleep 1; for i in 1 2 3; do echo bar | nc -w 1 127.0.0.1 80 | grep foolish; sleep 0.3; done'
check "nc keeps listening (UDP)" guest 'sudo nc -p 81 -lk -u -e echo foolish >/dev/null 2>&1 & sleep 1; for i in 1 2; do echo bar | nc -w 1 -u 127.0.0.1 81 | grep foolish; done'

check "config drive by its label" guest_says /dev/vdb 'blkid -L config-2 -o device'
check "… and its contents" guest 'sudo mount -o ro $(blkid -L config-2 -o device) /mnt && grep Box-One /mnt/openstack/latest/meta_data.json && sudo umount /mnt'
check "lsblk -lb --nodeps" guest_says 'vda 1073741824 disk' "lsblk -lb --nodeps | awk '\$1 == \"vda\" { print \$1, \$4, \$6 }'"
check "lsblk names" guest_says 'vda vdb' 'lsblk --nodeps --noheadings --output NAME | grep -v ^sr | xargs'
check "lsblk -S" guest 'lsblk -S'

echo "== hotplug"
monitor "drive_add 0 if=none,id=volume,format=raw,file=$work/volume.raw"
monitor "device_add virtio-blk-pci,drive=volume,id=volume-disk,bus=slot1,serial=0b5a7f7e-1234-4abc-8"
check "a disk appears, named by its serial" within 15 guest 'grep -x 0b5a7f7e-1234-4abc-8 /sys/block/vdc/serial && lsblk | grep vdc'
check "mkfs, mount, write" guest 'sudo mkfs -t ext4 /dev/vdc && sudo mount /dev/vdc /mnt && sudo sh -c "date > /mnt/timestamp; sync" && grep -q : /mnt/timestamp && sudo umount /mnt'
check "mke2fs" guest 'sudo /usr/sbin/mke2fs -F -t ext4 /dev/vdc'
monitor "device_del volume-disk"
check "… and goes again" within 15 guest '! test -e /sys/block/vdc'
monitor "netdev_add user,id=net1,net=10.0.3.0/24"
monitor "device_add virtio-net-pci,netdev=net1,id=nic1,bus=slot2,mac=52:54:00:12:34:99"
check "a NIC appears" within 15 guest 'test -e /sys/class/net/eth1'
check "… and can be brought up by hand" guest 'sudo ip link set eth1 up && sudo ip addr add 10.0.3.99/24 dev eth1 && ping -c1 -w5 10.0.3.2'
monitor "device_del nic1"
check "… and goes again" within 15 guest '! test -e /sys/class/net/eth1'

echo "== reboot, Ctrl-Alt-Del, power button"
guest 'echo kept >~/kept; sync; sudo reboot' >/dev/null 2>&1
close_ssh
check "reboots" within 60 consoles 'cloudbox-guest: boot finished' 2
check "a write survives; the host key is the same" within 10 guest_says kept 'cat ~/kept'
check "user-data ran once" bash -c "test \$(grep -ac 'user-data starts' '$work/console') = 1"
close_ssh
monitor "sendkey ctrl-alt-delete"
check "Ctrl-Alt-Del reboots" within 60 consoles 'cloudbox-guest: boot finished' 3
monitor "system_powerdown"
check "the power button powers off" within 30 gone
check "… in an orderly way" console 'cloudbox-guest: going down'
end_qemu

echo "== metadata service"
mkdir -p "$work/www/openstack/latest"
meta_data 99999999-2222-4333-8444-555555555555 box-two >"$work/www/openstack/latest/meta_data.json"
printf '#!/bin/sh\necho "told by the service"\n' >"$work/www/openstack/latest/user_data"
cat >"$work/serve" <<-EOF
	#!/bin/bash
	read -r method path rest
	while read -r line && [ "\${line%\$'\r'}" ]; do :; done
	path=\${path%/}
	if [ "\$method" = POST ]; then
	    printf 'HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nposted'
	elif [ -f "$work/www\$path" ]; then
	    printf 'HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n' \$(stat -c %s "$work/www\$path")
	    cat "$work/www\$path"
	else
	    printf 'HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n'
	fi
EOF
chmod +x "$work/serve"
rm -f "$work/known_hosts"
# The same disk as another instance: keys, host keys and user-data are those of the new one.
boot ",net=169.254.169.0/24,guestfwd=tcp:169.254.169.254:80-cmd:$work/serve"
check "boots" within 60 console 'cloudbox-guest: boot finished'
check "metadata from the service" console 'hostname box-two, metadata from metadata-service'
check "logs in with the instance's key" within 10 guest_says box-two hostname
check "a new instance gets new host keys" console 'ssh host key .*SHA256:'
check "user-data" within 10 console 'told by the service'
check "curl the service" guest 'curl -s http://169.254.169.254/openstack/latest/meta_data.json | grep box-two'
check "curl -X POST" guest_says posted 'curl -s -X POST -d secret http://169.254.169.254/openstack/2013-10-17/password'
close_ssh
monitor "system_powerdown"
check "powers off" within 30 gone

echo "guest: $passed passed, $failed failed"
if [ $failed -gt 0 ]; then
    echo "-- the end of the console:"
    tail -25 "$work/console"
    exit 1
fi
