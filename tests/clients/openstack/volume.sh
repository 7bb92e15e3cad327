# Volumes, their types and attachments.

head -c 2000000 /dev/urandom >"$work/bytes"
check "volume create" openstack volume create --size 1 --description first --property a=1 v1
volume_is() { [ "$(field status volume "$1")" = "$2" ]; }
volume_gone() { ! names volume | grep -qw "$1"; }
check "it becomes available" until_true 20 volume_is v1 available
is "volume show" "1 first __DEFAULT__ false" sh -c 'openstack volume show v1 -f json | jq -r "\"\(.size) \(.description) \(.type) \(.bootable)\""'
is "volume show: properties" '{"a":"1"}' field properties volume v1
check "volume set" openstack volume set --name v2 --description second v1
is "volume show: description" "second" field description volume v2
check "image create" openstack image create --file "$work/bytes" --disk-format raw source
check "volume create, from an image" openstack volume create --size 1 --image source v3
check "it becomes available" until_true 30 volume_is v3 available
is "volume show: bootable" "true" field bootable volume v3
is "volume list" "v2 v3" names volume
is "volume list: by name" "v2" names volume --name v2
is "volume list: by status" "v2 v3" names volume --status available
says "volume list --long" 'v2 .*available .*__DEFAULT__' openstack volume list --long
refused "a volume that is smaller than its image" '400' sh -c \
    'openstack image set --min-disk 3 source && openstack volume create --size 2 --image source small'

is "volume type list" "__DEFAULT__" names "volume type"
is "volume type show" "__DEFAULT__" field name "volume type" __DEFAULT__
is "volume attachment list" "" openstack --os-volume-api-version 3.27 volume attachment list -f value
says "volume service list" 'cinder-volume .*enabled .*up' openstack volume service list -f value
check "quota set" openstack quota set --volumes 2 admin
refused "a volume beyond the quota" 'VolumeLimitExceeded|413|quota|Maximum number' openstack volume create --size 1 v5
check "quota set" openstack quota set --volumes 10 admin
says "limits show" '^total_volumes_used 2$|total_volumes_used +2' openstack limits show --absolute -f value
check "volume delete, of several" openstack volume delete v2 v3
check "they go" until_true 20 volume_gone v2
check "they go" until_true 20 volume_gone v3
check "image delete" openstack image delete source
refused "what is not there" 'No volume with a name or ID|No Volume found|could not be found' openstack volume show v2
