#!/bin/bash
# The `openstack` command against make-believe guests and networks: each verb that the services have, service by
# service (tests/clients/openstack), as its user would type it.
#
# ONLY_SERVICES="image volume" runs those.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/clients.sh
. tests/lib/openstack.sh
. tests/lib/cloud.sh

work=$(mktemp -d)
trap 'stop_cloud; stop_openstack_server; rm -rf "$work"' EXIT
ensure_cloud_binary && clients_venv && start_openstack_server "$work" && start_fake_cloud "$work/cloud" || exit 1

for service in ${ONLY_SERVICES:-identity image network volume compute}; do
    echo "$service"
    . "tests/clients/openstack/$service.sh"
done
grep -aE 'panicked| ERROR ' "$work/cloud/serve.log" >"$check_output"
check "the log holds no error" test ! -s "$check_output"
finish
