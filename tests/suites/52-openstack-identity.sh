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
# All that there is to be logged, of every thread.
export CLOUDBOX_LOG=trace
ensure_cloud_binary && clients_venv && start_openstack_server "$work" && start_fake_cloud "$work/cloud" || exit 1

for part in ${ONLY_PARTS:-catalog groups delegation credentials limits federation}; do
    echo "$part"
    . "tests/clients/openstack-identity/$part.sh"
done
grep -aE 'panicked| ERROR ' "$work/cloud/serve.log" >"$check_output"
check "the log holds no error" test ! -s "$check_output"
# Whatever was a secret above, right or wrong, and the tokens and keys that were made of it.
{
    sed -n 's/^ *password: *//p' "$OS_CLIENT_CONFIG_FILE" | tr -d "\"'"
    printf '%s\n' its-Secret1 first-Secret1
    jq -r .secret "$work/ec2"
} >"$work/secrets"
openstack token issue -f value -c id >>"$work/secrets"
kept_out() {
    [ "$(grep -c . "$work/secrets")" -ge 5 ] && grep -q 'POST.*/auth/tokens' "$cloud_dir/serve.log" || return 1
    # With the database's log of changes; the operator's own file is where the password belongs.
    ! grep -raFl -f "$work/secrets" --exclude=clouds.yaml "$cloud_dir"
}
check "no secret is in the log, the database or the audit trail" kept_out
finish
