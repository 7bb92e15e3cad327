#!/bin/bash
# OpenStack's own test suite of the identity API, against a cloud with the password rules that it wants: what users can do (all
# of the interoperability guideline is in it), and with SLOW=1 what administrators can, too. TESTS="REGEX..." runs others.
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
if [ "${SLOW:-}" = 1 ]; then all=tempest.api.identity; else all=tempest.api.identity.v3; fi
tests/tempest/run.sh "$work/tempest" ${TESTS:-$all}
