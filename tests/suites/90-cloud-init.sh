#!/bin/bash
# The slow tier: Debian with real cloud-init boots once with the metadata service and once with the config drive, and both
# times says that it is done without errors. Minutes without KVM: only with SLOW=1 (`make test-slow`).
set -uo pipefail
if [ "${SLOW:-}" != 1 ]; then
    echo "left out: SLOW=1 runs it"
    echo "0 passed, 0 failed"
    exit 0
fi
. tests/lib/check.sh
. tests/lib/cloud.sh

work=$(mktemp -d /var/tmp/cloudbox-cloud-init.XXXXXX)
trap 'stop_cloud; rm -rf "$work"' EXIT
[ -n "${CLOUDBOX:-}" ] || cargo build --locked --quiet || exit 1
tests/guest/build-debian.sh build/debian.qcow2 || exit 1
# Given to every guest, beside what its user gives.
vendor='{"cloud-init": "#cloud-config\nwrite_files:\n- path: /run/told-by-vendor\n  content: told by the vendor\n"}'
echo "$vendor" >"$work/vendor.json"
cloud_config="[compute]
vendor_data_file = \"$work/vendor.json\"" start_cloud "$work/cloud" cci 10.196.0.0/24 || exit 1
cloudbox() { "$cloud_binary" "$@"; }

check "keypair" cloudbox keypair create key --private-key "$work/key"
check "image" cloudbox image create debian --file build/debian.qcow2 --disk-format qcow2 --wait
check "flavor" cloudbox flavor create small --ram 512 --disk 3 --vcpus 1
allow_ssh_and_ping

# One try; the guest is slow and may be busy.
on() { timeout 60 "$cloud_binary" vm ssh "$1" --identity "$work/key" --user debian --accept-new --timeout 20 -- "${@:2}"; }
answers() { on "$1" true; }
address() { api GET /compute/v2.1/servers/detail | jq -r --arg name "$1" '.servers[] | select(.name == $name) | .addresses[][0].addr'; }
# The end of the serial console, for what goes wrong before anybody can log in.
console() { cloudbox vm log "$1" | tail -25; }

# boots NAME SOURCE OPTION…: a guest that takes what it needs to know from SOURCE.
boots() {
    local name=$1 source=$2 ip
    shift 2
    echo "$name: $source"
    printf '#!/bin/sh\necho "$(id -u) $(hostname)" >/root/told\n' >"$work/user-data"
    check "is made" cloudbox vm create "$name" --image debian --flavor small --key key --user-data "$work/user-data" "$@" --wait || return
    ip=$(address "$name")
    if ! until_true 420 answers "$name" 2>/dev/null; then
        console "$name" >"$check_output"
        fail "answers SSH with the instance's key"
        return
    fi
    pass "answers SSH with the instance's key"
    check "cloud-init comes to its end" until_true 300 on "$name" 'cloud-init status | grep -qE "status: (done|error)"'
    says "… done" '^status: done' on "$name" cloud-init status --long
    is "… without errors" '[]' on "$name" 'sudo jq -c .v1.errors /run/cloud-init/status.json 2>/dev/null || sudo python3 -c "
import json
print(json.dumps([e for s in json.load(open(\"/run/cloud-init/result.json\"))[\"v1\"][\"errors\"] for e in [s]]))"'
    is "… or warnings" '' on "$name" 'sudo grep -E "WARNING|ERROR|Traceback" /var/log/cloud-init.log || true'
    says "takes all from there" "$source" on "$name" 'cloud-init query platform; cloud-init query subplatform'
    is "hostname" "$name" on "$name" hostname
    is "user-data ran, as root" "0 $name" on "$name" sudo cat /root/told
    is "vendor-data" 'told by the vendor' on "$name" cat /run/told-by-vendor
    says "its address" "inet $ip/24" on "$name" ip -o -4 address show dev eth0
    is "its MTU" "$(mtu "$name")" on "$name" cat /sys/class/net/eth0/mtu
    says "its way out" '^default via 10\.196\.0\.1 ' on "$name" ip route
    says "resolves names by the cloud" '10\.196\.0\.' on "$name" resolvectl dns eth0
    check "its network configuration is cloud-init's" on "$name" 'grep -q "^MACAddress=fa:16:3e" /etc/systemd/network/10-cloud-init-*.network'
    check "is deleted" cloudbox vm delete "$name" --wait
}
mtu() { api GET /network/v2.0/networks | jq -r '.networks[] | select(.name == "default") | .mtu'; }

boots by-service 'http://169\.254\.169\.254'
boots by-drive 'config-disk' --config-drive
grep -aE 'panicked| ERROR ' "$work/cloud/serve.log" >"$check_output"
check "the log holds no error" test ! -s "$check_output"
finish
