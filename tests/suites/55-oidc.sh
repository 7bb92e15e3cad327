#!/bin/bash
# Logins by an identity provider: a real provider of OpenID Connect (tests/clients/oidc-requirements.txt) vouches for users who
# come with its token through the `openstack` command, and with a browser.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/clients.sh
. tests/lib/cloud.sh

work=$(mktemp -d)
provider_pid=
stop_provider() { [ -z "$provider_pid" ] || { kill "$provider_pid" 2>/dev/null; wait "$provider_pid" 2>/dev/null; }; }
trap 'stop_cloud; stop_openstack_server; stop_provider; rm -rf "$work"' EXIT

# start_provider: on a free port; sets provider_pid and issuer.
start_provider() {
    local port
    venv build/oidc tests/clients/oidc-requirements.txt || return 1
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    issuer=http://127.0.0.1:$port
    build/oidc/bin/oidc-provider-mock --port "$port" --user-claims '{"sub": "ann", "email": "ann@example.org", "groups": ["devs", "others"]}' \
        --user-claims '{"sub": "eve", "groups": ["others"]}' </dev/null >"$work/provider.log" 2>&1 &
    provider_pid=$!
    until_true 60 curl -sf -o "$work/discovery" "$issuer/.well-known/openid-configuration"
}

dashboard=http://127.0.0.1:9/auth/websso/
ensure_cloud_binary && clients_venv && start_openstack_server "$work" && start_provider || exit 1
echo "any will do" >"$work/secret"
cloud_config="[identity]
trusted_dashboards = [\"$dashboard\"]
[identity.oidc.mock]
issuer = \"$issuer\"
client_id = \"cloudbox\"
client_secret_file = \"$work/secret\"" start_fake_cloud "$work/cloud" || exit 1
auth=$cloud_url/identity/v3

cat >"$work/rules.json" <<RULES
[{"remote": [{"type": "OIDC-sub"}, {"type": "HTTP_OIDC_GROUPS", "whitelist": ["devs"]}],
  "local": [{"user": {"name": "{0}"}}, {"groups": "{1}", "domain": {"id": "default"}}]}]
RULES

echo "resources"
check "identity provider create" openstack identity provider create --remote-id "$issuer" mock
is "identity provider show" "['$issuer']" openstack identity provider show mock -f value -c remote_ids
check "mapping create" openstack mapping create --rules "$work/rules.json" map
says "mapping show" 'HTTP_OIDC_GROUPS' openstack mapping show map -f value -c rules
check "federation protocol create" openstack federation protocol create --identity-provider mock --mapping map openid
is "federation protocol list" "openid map" openstack federation protocol list --identity-provider mock -f value -c id -c mapping
check "service provider create" openstack service provider create --auth-url https://other/v3 --service-provider-url https://other/sp other
check "service provider delete" openstack service provider delete other
check "a group with a role" sh -c 'openstack group create devs && openstack project create web && openstack role add --group devs --project web member'

echo "with the provider's token"
# as TOKEN COMMAND…: the bearer of an identity provider's token.
as() {
    local token=$1
    shift
    env -u OS_CLOUD OS_AUTH_TYPE=v3oidcaccesstoken OS_AUTH_URL="$auth" OS_IDENTITY_API_VERSION=3 OS_IDENTITY_PROVIDER=mock OS_PROTOCOL=openid \
        OS_ACCESS_TOKEN="$token" OS_PROJECT_NAME=web OS_PROJECT_DOMAIN_ID=default "$@"
}
login() { python3 tests/clients/oidc.py id-token "$issuer" "$1" "$2"; }
ann=$(login cloudbox ann)
check "a token for the group's project" as "$ann" openstack token issue
is "… with which to work" "" as "$ann" openstack server list -f value
is "the user is there" "ann" sh -c 'openstack user list --domain "$(openstack identity provider show mock -f value -c domain_id)" -f value -c Name'
refused "none for who is in no such group" '401' as "$(login cloudbox eve)" openstack token issue
refused "none for another client's token" '401' as "$(login other ann)" openstack token issue
refused "none for what nobody signed" '401' as "${ann%.*}.AAAA" openstack token issue

echo "with a browser"
websso=$auth/auth/OS-FEDERATION/websso/openid
browse() { python3 tests/clients/oidc.py browser "$1?origin=$2" ann "$dashboard"; }
token=$(browse "$websso" "$dashboard")
says "the dashboard gets a token" '"name": ?"ann"' curl -sf -H "X-Auth-Token: $token" -H "X-Subject-Token: $token" "$auth/auth/tokens"
check "… by the provider's own path" browse "$auth/auth/OS-FEDERATION/identity_providers/mock/protocols/openid/websso" "$dashboard"
refused "no other dashboard does" '401' browse "$websso" http://evil.test/
check "a provider that is disabled" openstack identity provider set --disable mock
refused "… lets nobody in" '403' as "$(login cloudbox ann)" openstack token issue
is "… and its tokens are no good" 401 curl -s -o "$work/answer" -w '%{http_code}' -H "X-Auth-Token: $token" "$auth/auth/projects"
grep -aE 'panicked| ERROR ' "$work/cloud/serve.log" >"$check_output"
check "the log holds no error" test ! -s "$check_output"
finish
