#!/bin/bash
# Images through the `openstack` command, as a project and its neighbour would type it, and through openstacksdk's image proxy;
# the plain ones are in 50-openstack-command.sh.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/clients.sh
. tests/lib/openstack.sh
. tests/lib/cloud.sh

work=$(mktemp -d)
trap 'stop_cloud; stop_openstack_server; rm -rf "$work"' EXIT
ensure_cloud_binary && clients_venv && start_openstack_server "$work" && start_fake_cloud "$work/cloud" || exit 1

for part in tests/clients/openstack-image/*.sh; do
    basename "$part" .sh
    . "$part"
done
echo "openstacksdk"
python3 tests/clients/sdk_images.py >"$work/sdk.txt" 2>&1
status=$?
grep -v 'passed, ' "$work/sdk.txt"
add_counts "$work/sdk.txt" $status
grep -aE 'panicked| ERROR ' "$work/cloud/serve.log" >"$check_output"
check "the log holds no error" test ! -s "$check_output"
finish
