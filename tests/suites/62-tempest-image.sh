#!/bin/bash
# All of OpenStack's own test suite of the image API, against two clouds with two stores and something to import: one that
# takes bytes for what they are said to be, as many of the tests want it, and one as it comes, which looks into them.
# TESTS="REGEX..." runs others.
#
# What is skipped: glance-download (another Glance), an `http` store and shown locations (not among Glance's defaults), a
# second endpoint, a manifest of images that an OpenStack project of its own makes, what Tempest skips for a bug of Glance;
# in the second cloud, lists of images that are not what they say. Left out: images of servers that boot from volumes,
# which need snapshots of volumes.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/clients.sh
. tests/lib/cloud.sh

work=$(mktemp -d)
trap 'stop_cloud; kill ${web_pid:-} 2>/dev/null; rm -rf "$work" "$check_output"' EXIT
ensure_cloud_binary && clients_venv || exit 1
mkdir -p "$work/web" "$work/second"
# Of the format that the test declares.
qemu-img create -q -f qcow2 "$work/web/image.qcow2" 1M
(cd "$work/web" && exec python3 -u -m http.server --bind 127.0.0.1 0) >"$work/web.log" 2>&1 &
web_pid=$!
until_true 20 grep -q 'port [0-9]' "$work/web.log" || exit 1
port=$(sed -nE 's/.* port ([0-9]+).*/\1/p' "$work/web.log" | head -1)
export EXCLUDE=test_image_volume_server_snapshot_dependency
export HTTP_IMAGE=http://127.0.0.1:$port/image.qcow2

# run NAME ENFORCE: the tests, with a cloud of their own.
run() {
    export FORMAT_CHECK=$2
    cloud_config="[image]
enforce_format = $2
[[image.stores]]
id = \"second\"
path = \"$work/second\"
description = \"another directory\"
[image.web_download]
allowed_ports = [$port]
allowed_networks = [\"127.0.0.0/8\"]"
    start_fake_cloud "$work/$1" || return 1
    for name in one two; do
        head -c 100000 /dev/urandom >"$work/bytes"
        openstack image create --file "$work/bytes" --disk-format raw --public "$name" >"$check_output" || return 1
    done
    tests/tempest/run.sh "$work/tempest-$1" ${TESTS:-tempest.api.image} >"$work/$1.txt" 2>&1
    local status=$?
    cat "$work/$1.txt"
    grep -aE 'panicked| ERROR ' "$work/$1/serve.log" >"$check_output"
    check "the log holds no error" test ! -s "$check_output"
    add_counts "$work/$1.txt" $status
    stop_cloud
}

echo "bytes are what they are said to be"
run trusting false || fail "the first cloud"
echo "bytes are looked into"
run looking true || fail "the second cloud"
finish
