#!/bin/bash
# The `openstack` command and everything that identity has (tests/clients/openstack-identity), as an administrator would
# type it; what every user needs is in 50-openstack-command.sh.
#
# ONLY_PARTS="catalog groups" runs those.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/clients.sh
. tests/lib/openstack.sh
. tests/lib/cloud.sh

work=$(mktemp -d)
trap 'stop_cloud; stop_openstack_server; rm -rf "$work"' EXIT
ensure_cloud_binary && clients_venv && start_openstack_server "$work" && start_fake_cloud "$work/cloud" || exit 1

for part in ${ONLY_PARTS:-catalog groups delegation credentials limits federation}; do
    echo "$part"
    . "tests/clients/openstack-identity/$part.sh"
done
grep -aE 'panicked| ERROR ' "$work/cloud/serve.log" >"$check_output"
check "the log holds no error" test ! -s "$check_output"
finish
