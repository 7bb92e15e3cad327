# What users hand on: application credentials with access rules, trusts.

check "application credential create" sh -c \
    "openstack application credential create --secret its-Secret1 --role member --description d robot -f json >'$work/robot'"
is "application credential list" "robot" names "application credential"
is "application credential show" "d" field Description "application credential" robot
with_robot() {
    env -u OS_CLOUD OS_AUTH_URL="$cloud_url/identity/v3" OS_IDENTITY_API_VERSION=3 OS_AUTH_TYPE=v3applicationcredential \
        OS_APPLICATION_CREDENTIAL_ID="$(jq -r '.id // .ID' "$work/robot")" OS_APPLICATION_CREDENTIAL_SECRET="${robot_secret:-its-Secret1}" "$@"
}
check "a token by application credential" with_robot openstack token issue
robot_secret=wrong refused "none with a wrong secret" '401' with_robot openstack token issue
refused "it makes no others" '403' with_robot openstack application credential create another
refused "the same name again" '409' openstack application credential create robot
check "application credential create, with access rules" openstack application credential create \
    --access-rules '[{"service": "compute", "method": "GET", "path": "/v2.1/servers"}]' narrow
is "access rule list" "/v2.1/servers" column Path "access rule"
rule=$(openstack access rule list -f value -c ID)
is "access rule show" "compute" field Service "access rule" "$rule"
refused "an access rule in use stays" '403' openstack access rule delete "$rule"
check "application credential delete" openstack application credential delete robot narrow
check "access rule delete" openstack access rule delete "$rule"

check "user create" openstack user create --password first-Secret1 trustee
check "trust create" sh -c \
    "openstack trust create --project admin --role member --impersonate admin trustee -f json >'$work/trust'"
trust=$(jq -r .id "$work/trust")
says "trust show" 'mpersonation *\| True' openstack trust show "$trust"
is "trust list" "$trust" column ID trust
trusted() {
    env -u OS_CLOUD OS_AUTH_URL="$cloud_url/identity/v3" OS_IDENTITY_API_VERSION=3 OS_USERNAME=trustee OS_USER_DOMAIN_NAME=Default \
        OS_PASSWORD=first-Secret1 OS_TRUST_ID="$trust" "$@"
}
check "a token by trust" trusted openstack token issue
check "trust delete" openstack trust delete "$trust"
refused "none without it" '401|403|404' trusted openstack token issue
check "user delete" openstack user delete trustee
