# Flavors, keypairs, server groups, quotas, and servers from their build to their end.

head -c 2000000 /dev/urandom >"$work/bytes"
check "image create" openstack image create --file "$work/bytes" --disk-format raw --public tiny

check "flavor create" openstack flavor create --id f1 --ram 256 --disk 2 --vcpus 1 --property hw:x=1 small
is "flavor show" "256 2 1" sh -c 'openstack flavor show small -f json | jq -r "\"\(.ram) \(.disk) \(.vcpus)\""'
is "flavor show: properties" '{"hw:x":"1"}' field properties flavor small
check "flavor set" openstack flavor set --property hw:y=2 --description words small
check "flavor unset" openstack flavor unset --property hw:x small
is "flavor show: properties" '{"hw:y":"2"}' field properties flavor small
is "flavor list" "m1.medium m1.nano m1.small m1.tiny small" names flavor
is "flavor list: by memory" "m1.medium m1.small" names flavor --min-ram 1024

check "keypair create, of a public key" sh -c "ssh-keygen -q -t ed25519 -N '' -f '$work/key' && openstack keypair create --public-key '$work/key.pub' mine"
says "keypair create, whose private key is kept" 'BEGIN .*PRIVATE KEY' sh -c "openstack keypair create --private-key '$work/made' made >/dev/null && cat '$work/made'"
is "keypair list" "made mine" names keypair
is "keypair show" "ssh" field type keypair mine
is "keypair show: the public key" "$(cut -d' ' -f1-2 "$work/key.pub")" sh -c 'openstack keypair show --public-key mine | cut -d" " -f1-2'
check "keypair delete" openstack keypair delete made

check "server group create" openstack server group create --policy anti-affinity apart
is "server group show" "anti-affinity" field policy "server group" apart
is "server group list" "apart" names "server group"

says "hypervisor list" 'up' openstack hypervisor list -f value
is "compute service list" "nova-compute nova-conductor nova-scheduler" sh -c \
    'openstack compute service list -f json | jq -r "[.[].Binary] | sort | unique | join(\" \")"'
says "availability zone list" 'nova available' openstack availability zone list --compute -f value
check "quota set" openstack quota set --instances 11 --cores 22 admin
is "quota show" "11 22" sh -c 'openstack quota show admin -f json | jq -r "[.[] | {(.Resource): .Limit}] | add | \"\(.instances) \(.cores)\""'
says "limits show" 'max_total_instances +11' openstack limits show --absolute -f value

server_is() { [ "$(field status server "$1")" = "$2" ]; }
is "server create --wait" "ACTIVE" show status server create --image tiny --flavor m1.nano --network default --key-name mine \
    --property role=db --user-data "$work/key.pub" --hint group="$(field id 'server group' apart)" --wait one
is "server list" "one ACTIVE m1.nano tiny" sh -c 'openstack server list -f json | jq -r ".[] | \"\(.Name) \(.Status) \(.Flavor) \(.Image)\""'
says "server show: its address" '^10\.20\.0\.[0-9]+$' sh -c 'openstack server show one -f json | jq -r ".addresses.default[]"'
is "server show: properties" '{"role":"db"}' field properties server one
is "server show: key" "mine" field key_name server one
is "server group show: members" "$(field id server one)" sh -c 'openstack server group show apart -f json | jq -r ".members | if type == \"array\" then .[] else . end"'
is "port list of a server" "ACTIVE" sh -c 'openstack port list --server one -f value -c Status'
check "server set" openstack server set --name first --property tier=1 --description words one
check "server unset" openstack server unset --property role first
is "server show: properties" '{"tier":"1"}' field properties server first
check "server stop" openstack server stop first
check "it is off" until_true 30 server_is first SHUTOFF
refused "server stop, when it is off" '409' openstack server stop first
check "server start" openstack server start first
check "it is on" until_true 30 server_is first ACTIVE
check "server reboot" openstack server reboot --soft --wait first
check "server reboot --hard" openstack server reboot --hard --wait first
check "console log show" openstack console log show first
says "console url show" 'http' openstack console url show --novnc first -f value -c url
is "server event list" "create reboot reboot start stop" sh -c \
    'openstack server event list first -f json | jq -r "[.[].Action] | sort | join(\" \")"'
request=$(openstack server event list first -f json | jq -r '.[] | select(.Action == "create")["Request ID"]')
says "server event show" 'Success' openstack server event show first "$request" -f json

check "volume create" openstack volume create --size 1 data
volume_is() { [ "$(field status volume "$1")" = "$2" ]; }
check "it becomes available" until_true 20 volume_is data available
check "server add volume" openstack server add volume first data
check "it is in use" until_true 30 volume_is data in-use
says "server volume list" "$(field id volume data)" openstack server volume list first -f value
refused "a volume in use is not deleted" '400|must be available' openstack volume delete data
check "server remove volume" openstack server remove volume first data
check "it is available again" until_true 30 volume_is data available

is "server create, from a volume" "ACTIVE" show status server create --flavor m1.nano --boot-from-volume 1 --image tiny --network default --wait second
is "server create, of two" "ACTIVE ACTIVE" sh -c 'openstack server create --image tiny --flavor m1.nano --network default --max 2 --wait many >/dev/null &&
    openstack server list --name "^many" -f json | jq -r "[.[].Status] | join(\" \")"'
is "server create, with a config drive and a port" "True" show config_drive server create --image tiny --flavor m1.nano \
    --port "$(openstack port create --network default -f value -c id ready)" --config-drive true --wait third
is "server list: by status" "first many-1 many-2 second third" names server --status ACTIVE
is "server list: by name" "many-1 many-2" names server --name many
is "server list of a page" "third" names server --limit 1
refused "a server beyond the quota" 'Quota exceeded for ram: Requested 99999999' sh -c '
    openstack flavor create --ram 99999999 --disk 1 --vcpus 1 huge >/dev/null
    openstack server create --image tiny --flavor huge --network default never'
check "quota set: no limit" openstack quota set --ram -1 admin
refused "a server that no host can take" 'ERROR|Error creating server' openstack server create --image tiny --flavor huge --network default --wait never
says "server show: why" 'No valid host.*' openstack server show never -f value -c fault
refused "an image that is not there" 'No Image found' openstack server create --image nothing --flavor m1.nano --network default never
refused "a network that is not there" 'No Network found' openstack server create --image tiny --flavor m1.nano --network nothing never
refused "a flavor that is not there" 'No Flavor found' openstack server create --image tiny --flavor nothing --network default never

check "server delete --wait" openstack server delete --wait first second third many-1 many-2 never
is "no server is left" "" names server
is "the port that it was given is left, no other" "ready" sh -c 'openstack port list -f json --device-owner "" | jq -r ".[].Name"'
check "port delete" openstack port delete ready
check "volume delete" openstack volume delete data
check "server group delete" openstack server group delete apart
check "flavor delete" openstack flavor delete small huge
check "keypair delete" openstack keypair delete mine
check "image delete" openstack image delete tiny
