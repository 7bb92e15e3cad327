# Regions, services, endpoints; which project sees which; policies that services may fetch.

check "region create" openstack region create Land
check "region create, below another" openstack region create --parent-region Land --description "a city" City
is "region list of a parent" "City" column Region region --parent-region Land
is "region show" "Land" field parent_region region City
refused "a region is not its own parent" '400' openstack region set --parent-region City Land

check "service create" openstack service create --name trove --description databases database
check "service create, disabled" openstack service create --name heat --disable orchestration
is "service show" "false" field enabled service heat
check "endpoint create" openstack endpoint create --region City database public 'http://127.0.0.1/database/$(project_id)s'
check "endpoint create, disabled" openstack endpoint create --region City --disable database admin http://127.0.0.1/admin
is "endpoint list by interface" "public" column Interface endpoint --service database --interface public
is "endpoint list by region" "2" sh -c 'openstack endpoint list --region City -f json | jq length'
refused "an endpoint's URL has no other words to replace" '400' openstack endpoint create database internal 'http://a/$(nothing)s'
says "catalog show" 'public: http://127.0.0.1/database/[0-9a-f]{32}' openstack catalog show database
refused "a region with endpoints stays" '403' openstack region delete Land

check "project create" openstack project create narrow
check "role add" openstack role add --user admin --project narrow member
narrow() { OS_PROJECT_NAME=narrow "$@"; }
endpoint=$(openstack endpoint list --service database --interface public -f value -c ID)
check "endpoint add project" openstack endpoint add project "$endpoint" narrow
is "endpoint list of a project" "$endpoint" column ID endpoint --project narrow
is "endpoint list: the projects of one" "narrow" names endpoint --endpoint "$endpoint"
is "its catalog has that endpoint only" "trove" narrow column Name catalog
printf '{"service_id": "%s"}' "$(openstack service show glance -f value -c id)" >"$work/filters"
check "endpoint group create" openstack endpoint group create --description images images "$work/filters"
is "endpoint group list" "images" names "endpoint group"
check "endpoint group add project" openstack endpoint group add project images narrow
is "endpoint group list of a project" "images" names "endpoint group" --project narrow
is "endpoint group list: its projects" "narrow" names "endpoint group" --endpointgroup images
is "its catalog has both" "glance trove" narrow names catalog
printf '{"interface": "public"}' >"$work/filters"
check "endpoint group set" openstack endpoint group set --filters "$work/filters" --name everything images
is "endpoint group show" '{"interface":"public"}' field filters "endpoint group" everything
is "its catalog has all that is public" "cinder glance keystone neutron nova placement trove" narrow names catalog
check "endpoint group remove project" openstack endpoint group remove project everything narrow
check "endpoint remove project" openstack endpoint remove project "$endpoint" narrow
refused "endpoint remove project, again" '404' openstack endpoint remove project "$endpoint" narrow
check "endpoint group delete" openstack endpoint group delete everything
is "its catalog has everything again" "cinder glance keystone neutron nova placement trove" narrow names catalog

echo '{"admin": "role:admin"}' >"$work/rules"
check "policy create" openstack policy create --type application/json "$work/rules"
policy=$(openstack policy list -f value -c ID)
is "policy show" '{"admin": "role:admin"}' sh -c "openstack policy show $policy -f value -c rules"
echo '{}' >"$work/rules"
check "policy set" openstack policy set --type text/plain --rules "$work/rules" "$policy"
is "policy list" "text/plain" column Type policy --long
check "policy delete" openstack policy delete "$policy"

check "project delete" openstack project delete narrow
check "service delete" openstack service delete trove heat
is "its endpoints are gone with it" "0" sh -c 'openstack endpoint list --region City -f json | jq length'
check "region delete, with those below" openstack region delete Land
is "region list" "RegionOne" column Region region
