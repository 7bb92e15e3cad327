# The image cache.

head -c 100000 /dev/urandom >"$work/bytes"
check "image create" openstack image create --file "$work/bytes" --disk-format raw cached
id=$(openstack image show cached -f value -c id)
is_cached() { [ "$(column State "cached image")" = cached ]; }
check "cached image queue" openstack cached image queue cached
check "it is cached soon" until_true 20 is_cached
is "cached image list" "$id" column ID "cached image"
check "cached image delete" openstack cached image delete cached
is "cached image list, of nothing" "" column ID "cached image"
check "cached image queue, again" openstack cached image queue cached
check "it is cached again" until_true 20 is_cached
check "cached image clear --queue" openstack cached image clear --queue
is "what is cached stays" "$id" column ID "cached image"
check "cached image clear" openstack cached image clear
is "nothing is cached" "" column ID "cached image"
refused "the cache is the administrator's" 'not authorized' as alice openstack cached image list
check "image delete" openstack image delete cached
