#!/bin/bash
# All of OpenStack's own test suite of the identity API, against a cloud with the password rules that it wants.
# TESTS="REGEX..." runs others.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/clients.sh
. tests/lib/cloud.sh

work=$(mktemp -d)
trap 'stop_cloud; rm -rf "$work" "$check_output"' EXIT
cloud_config='[identity.security_compliance]
lockout_failure_attempts = 2
lockout_duration = 5
unique_last_password_count = 2'
ensure_cloud_binary && clients_venv && start_fake_cloud "$work/cloud" || exit 1
# The settings of a run name two images.
for name in one two; do
    head -c 100000 /dev/urandom >"$work/bytes"
    openstack image create --file "$work/bytes" --disk-format raw --public "$name" >"$check_output" || exit 1
done
tests/tempest/run.sh "$work/tempest" ${TESTS:-tempest.api.identity}
