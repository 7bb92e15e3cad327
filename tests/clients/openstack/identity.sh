# Tokens, the catalog, and who may do what where.

says "token issue" '^[A-Za-z0-9_-]{60,}$' openstack token issue -f value -c id
says "catalog show" 'public: http://127.0.0.1:[0-9]+/compute/v2.1' openstack catalog show compute
is "service list" "block-storage compute identity image network placement" \
    sh -c 'openstack service list -f json | jq -r "[.[].Type] | sort | join(\" \")"'
is "versions show" "block-storage compute identity image network placement" \
    sh -c 'openstack versions show -f json | jq -r "[.[] | select(.Status == \"CURRENT\") | .\"Service Type\"] | sort | join(\" \")"'

check "domain create" openstack domain create --description "of tests" tests
is "domain set" "other words" sh -c 'openstack domain set --description "other words" tests && openstack domain show tests -f value -c description'
is "project create" "true" show enabled project create --domain tests --description first team
check "project set" openstack project set --name crew --description second team
is "project show" "second" field description project crew
is "project list of a domain" "crew" names project --domain tests
check "project create, in Default" openstack project create other
is "user create" "ann@example.org" show email user create --domain tests --password first-Secret1 --email ann@example.org ann
check "user set: a new password" openstack user set --password second-Secret2 --description Ann ann
is "user show" "Ann" field description user ann
is "user list of a domain" "ann" names user --domain tests
check "role create" openstack role create auditor
check "role set" openstack role set --description audits auditor
is "role show" "audits" field description role auditor
is "role list" "admin auditor manager member reader service" names role
check "implied role create" openstack implied role create --implied-role reader auditor
says "implied role list" 'auditor' openstack implied role list
check "implied role delete" openstack implied role delete --implied-role reader auditor

as_ann() {
    env -u OS_CLOUD OS_AUTH_URL="$cloud_url/identity/v3" OS_IDENTITY_API_VERSION=3 OS_USERNAME=ann OS_USER_DOMAIN_NAME=tests \
        OS_PASSWORD="${ann_password:-second-Secret2}" OS_PROJECT_NAME=crew OS_PROJECT_DOMAIN_NAME=tests "$@"
}
refused "no token without a role" '401' as_ann openstack token issue
check "role add" openstack role add --user ann --project crew member
says "role assignment list" 'member.*ann@tests.*crew@tests' openstack role assignment list --names --user ann
check "a token with the new password" as_ann openstack token issue
ann_password=first-Secret1 refused "none with the old password" '401' as_ann openstack token issue
refused "a member may not make users" '403' as_ann openstack user create eve
is "a member sees its own servers, none" "" as_ann openstack server list -f value
check "a token is revoked" sh -c 'token=$(openstack token issue -f value -c id) && openstack token revoke "$token"'
check "user password set" as_ann openstack user password set --original-password second-Secret2 --password third-Secret3
ann_password=third-Secret3 check "a token with the password of one's own" as_ann openstack token issue
check "role add, on the domain" openstack role add --user ann --domain tests reader
check "role add, on the system" openstack role add --user ann --system all reader
says "role assignment list of the system" 'ann@tests' openstack role assignment list --names --system all
check "role remove" openstack role remove --user ann --system all reader
check "role remove, from the domain" openstack role remove --user ann --domain tests reader
check "role remove, from the project" openstack role remove --user ann --project crew member

check "region create" openstack region create --description near RegionTwo
is "region set" "far" sh -c 'openstack region set --description far RegionTwo && openstack region show RegionTwo -f value -c description'
check "service create" openstack service create --name trove --description databases database
check "service set" openstack service set --description "more databases" trove
is "service show" "more databases" field description service trove
check "endpoint create" openstack endpoint create --region RegionTwo database public http://127.0.0.1/database
endpoint=$(openstack endpoint list --service database -f value -c ID)
check "endpoint set" openstack endpoint set --url http://127.0.0.1/other "$endpoint"
is "endpoint show" "http://127.0.0.1/other" field url endpoint "$endpoint"
check "endpoint delete" openstack endpoint delete "$endpoint"
check "service delete" openstack service delete trove
check "region delete" openstack region delete RegionTwo

check "user delete" openstack user delete --domain tests ann
check "role delete" openstack role delete auditor
check "project delete" openstack project delete crew other
refused "an enabled domain is not deleted" '403' openstack domain delete tests
check "domain delete" sh -c 'openstack domain set --disable tests && openstack domain delete tests'
is "domain list" "Default" names domain
refused "what is not there" 'No user with a name or ID of .nobody. exists|No user found for nobody|nobody' openstack user show nobody
