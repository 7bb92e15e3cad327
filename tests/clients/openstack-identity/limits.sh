# Registered limits, and projects' own.

check "registered limit create" openstack registered limit create --service nova --default-limit 10 --description cores cores
registered=$(openstack registered limit list -f value -c ID)
is "registered limit show" "10" field default_limit "registered limit" "$registered"
check "registered limit set" openstack registered limit set --default-limit 20 "$registered"
is "registered limit list" "20" column "Default Limit" "registered limit"
check "project create" openstack project create limited
check "limit create" openstack limit create --project limited --service nova --resource-limit 5 cores
limit=$(openstack limit list --project limited -f value -c ID)
is "limit show" "5" field resource_limit limit "$limit"
check "limit set" openstack limit set --resource-limit 7 "$limit"
is "limit list" "7" column "Resource Limit" limit --project limited
refused "a registered limit in use stays" '403' openstack registered limit delete "$registered"
check "limit delete" openstack limit delete "$limit"
check "registered limit delete" openstack registered limit delete "$registered"
check "project delete" openstack project delete limited
