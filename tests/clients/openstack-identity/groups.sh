# Groups, roles through them and by inheritance, roles of a domain, trees of projects, tags, users' options.

check "domain create" openstack domain create crowd
check "user create" openstack user create --domain crowd --password first-Secret1 bea
bea=$(field id user --domain crowd bea)
check "group create" openstack group create --domain crowd --description "of tests" choir
is "group show" "of tests" field description group --domain crowd choir
check "group set" openstack group set --domain crowd --description singers --name band choir
is "group list" "band" names group --domain crowd
check "group add user" openstack group add user --group-domain crowd --user-domain crowd band bea
says "group contains user" 'bea in group band' openstack group contains user --group-domain crowd --user-domain crowd band bea
is "group list of a user" "band" names group --user bea --user-domain crowd
band=$(field id group --domain crowd band)
is "user list of a group" "bea" names user --group "$band"

check "project create" openstack project create --domain crowd --tag big --tag new top
check "project create, below another" openstack project create --domain crowd --parent top below
top=$(field id project --domain crowd top)
says "project show --parents" "$top" openstack project show --domain crowd --parents below
is "project list --tags" "top" names project --tags big,new
check "project set: a tag more" openstack project set --domain crowd --tag old top
check "project set: a tag less" openstack project set --domain crowd --remove-tag new top
is "project show: tags" '["big","old"]' sh -c 'openstack project show --domain crowd top -f json | jq -c ".tags | sort"'

as_bea() {
    env -u OS_CLOUD OS_AUTH_URL="$cloud_url/identity/v3" OS_IDENTITY_API_VERSION=3 OS_USERNAME=bea OS_USER_DOMAIN_NAME=crowd \
        OS_PASSWORD=first-Secret1 OS_PROJECT_NAME="$1" OS_PROJECT_DOMAIN_NAME=crowd "${@:2}"
}
refused "no token without a role" '401' as_bea top openstack token issue
check "role add, to a group" openstack role add --group band --group-domain crowd --project top --project-domain crowd member
check "a token by the group's role" as_bea top openstack token issue
refused "not for the project below" '401' as_bea below openstack token issue
check "role add, inherited" openstack role add --inherited --group band --group-domain crowd --domain crowd reader
check "a token by the role that is inherited" as_bea below openstack token issue
says "role assignment list" 'member.*band@crowd.*top@crowd' openstack role assignment list --names --group band --group-domain crowd
says "role assignment list --effective" 'reader.*bea@crowd.*below@crowd' \
    openstack role assignment list --names --effective --user bea --user-domain crowd
check "group remove user" openstack group remove user --group-domain crowd --user-domain crowd band bea
refused "no token without the group" '401' as_bea top openstack token issue
check "role remove, inherited" openstack role remove --inherited --group band --group-domain crowd --domain crowd reader
check "role remove, of a group" openstack role remove --group band --group-domain crowd --project top --project-domain crowd member

check "role create, of a domain" openstack role create --domain crowd soloist
is "role list of a domain" "soloist" names role --domain crowd
check "role delete, of a domain" openstack role delete --domain crowd soloist

check "user set: options" openstack user set --domain crowd --ignore-lockout-failure-attempts --enable-multi-factor-auth bea
says "user show: options" 'multi_factor_auth_enabled' openstack user show --domain crowd bea
check "project delete" openstack project delete --domain crowd below top
check "group delete" openstack group delete --domain crowd band
check "domain delete, with its users" sh -c 'openstack domain set --disable crowd && openstack domain delete crowd'
