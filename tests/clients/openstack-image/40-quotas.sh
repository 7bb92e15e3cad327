# Unified limits on images.

glance=$(openstack service show glance -f value -c id)
check "registered limit create" openstack registered limit create --service "$glance" --default-limit 2 image_count_total
check "image create, the first" as alice openstack image create --file "$work/bytes" --disk-format raw first
check "image create, the second" as alice openstack image create --file "$work/bytes" --disk-format raw second
refused "image create, one too many" '413|over limit' as alice openstack image create --file "$work/bytes" --disk-format raw third
check "limit create, of a project" openstack limit create --project alice --service "$glance" --resource-limit 3 image_count_total
check "image create, the third" as alice openstack image create --file "$work/bytes" --disk-format raw third
refused "image create, too many again" '413|over limit' as alice openstack image create --file "$work/bytes" --disk-format raw fourth
check "image delete" as alice openstack image delete first second third
check "limit delete" sh -c 'openstack limit delete $(openstack limit list -f value -c ID)'
check "registered limit delete" sh -c 'openstack registered limit delete $(openstack registered limit list -f value -c ID)'
