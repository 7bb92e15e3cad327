#!/bin/bash
# OpenStack's own test suite makes its users, projects and networks in a cloud on fake drivers, and creates servers
# there. TESTS="REGEX..." runs others.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/clients.sh
. tests/lib/cloud.sh

work=$(mktemp -d)
trap 'stop_cloud; rm -rf "$work" "$check_output"' EXIT
ensure_cloud_binary && clients_venv && start_fake_cloud "$work/cloud" || exit 1
for name in one two; do
    head -c 1000000 /dev/urandom >"$work/bytes"
    openstack image create --file "$work/bytes" --disk-format raw --public "$name" >"$check_output" || exit 1
done
tests/tempest/run.sh "$work/tempest" ${TESTS:-tempest.api.compute.servers.test_create_server.ServersTestJSON}
