# Networks, subnets, ports, routers and security groups.

is "network list" "default public" names network
is "network list: external ones" "public" names network --external
check "network create" openstack network create --description first --mtu 1400 blue
check "network set" openstack network set --description second blue
is "network show" "second 1400 ACTIVE" sh -c 'openstack network show blue -f json | jq -r "\"\(.description) \(.mtu) \(.status)\""'
check "subnet create" openstack subnet create --network blue --subnet-range 10.77.0.0/24 --dns-nameserver 9.9.9.9 \
    --allocation-pool start=10.77.0.10,end=10.77.0.99 --host-route destination=10.78.0.0/24,gateway=10.77.0.5 blue-4
is "subnet show: its gateway" "10.77.0.1" field gateway_ip subnet blue-4
check "subnet set" openstack subnet set --name blue-v4 --dns-nameserver 1.1.1.1 blue-4
is "subnet show: servers of names" '["1.1.1.1","9.9.9.9"]' field dns_nameservers subnet blue-v4
check "subnet unset" openstack subnet unset --dns-nameserver 9.9.9.9 blue-v4
check "subnet create, of IPv6" openstack subnet create --network blue --ip-version 6 --subnet-range fd00:77::/64 \
    --ipv6-ra-mode slaac --ipv6-address-mode slaac blue-v6
is "subnet list of a network" "blue-v4 blue-v6" names subnet --network blue
refused "a subnet that overlaps" 'overlaps' openstack subnet create --network blue --subnet-range 10.77.0.128/25 again

check "security group create" openstack security group create --description first web
check "security group set" openstack security group set --description second web
is "security group show" "second" field description "security group" web
check "security group rule create: TCP" openstack security group rule create --protocol tcp --dst-port 80:443 --remote-ip 192.0.2.0/24 web
check "security group rule create: ICMP" openstack security group rule create --protocol icmp web
check "security group rule create: a group" openstack security group rule create --protocol udp --dst-port 53 --remote-group web web
refused "security group rule create: again" 'already exists' openstack security group rule create --protocol icmp web
is "security group rule list" "5" sh -c 'openstack security group rule list web -f value | wc -l'
rule=$(openstack security group rule list web --protocol icmp -f value -c ID)
is "security group rule show" "icmp" field protocol "security group rule" "$rule"
check "security group rule delete" openstack security group rule delete "$rule"

check "port create" openstack port create --network blue --fixed-ip subnet=blue-v4,ip-address=10.77.0.50 --security-group web p1
is "port show: its address" "10.77.0.50" sh -c 'openstack port show p1 -f json | jq -r ".fixed_ips[0].ip_address"'
check "port set" openstack port set --name p2 --description set --allowed-address ip-address=10.77.0.200 p1
is "port show" "set DOWN 10.77.0.200" sh -c 'openstack port show p2 -f json | jq -r "\"\(.description) \(.status) \(.allowed_address_pairs[0].ip_address)\""'
mac=$(field mac_address port p2)
check "port unset" openstack port unset --allowed-address "ip-address=10.77.0.200,mac-address=$mac" --security-group "$(field id 'security group' web)" p2
is "port list of a network" "p2" names port --network blue
check "port set: without security" openstack port set --no-security-group --disable-port-security p2
refused "an address that is taken" 'already|in use' openstack port create --network blue --fixed-ip ip-address=10.77.0.50 p3
refused "a network in use is not deleted" 'in use' openstack network delete blue

check "router create" openstack router create r1
check "router set" openstack router set --name r2 --description set r1
check "router add subnet" openstack router add subnet r2 blue-v4
check "router set: gateway" openstack router set --external-gateway public r2
says "router show: its address outside" '172\.24\.4\.' openstack router show r2 -f value -c external_gateway_info
is "router list" "r2" names router
is "port list of a router" "10.77.0.1" sh -c 'openstack port list --router r2 --network blue -f json | jq -r ".[].\"Fixed IP Addresses\"[].ip_address"'
refused "a router in use is not deleted" 'still has ports|in use' openstack router delete r2
check "router unset: gateway" openstack router unset --external-gateway r2
check "router remove subnet" openstack router remove subnet r2 blue-v4
check "router add port" openstack router add port r2 p2
check "router remove port" openstack router remove port r2 p2
check "router delete" openstack router delete r2

says "network agent list" 'True|:-\)' openstack network agent list
says "availability zone list" 'nova' openstack availability zone list --network
says "extension show" 'security-group' openstack extension show security-group
check "quota set" openstack quota set --networks 7 --ports 70 admin
is "quota show" "7 70" sh -c 'openstack quota show admin -f json | jq -r "[.[] | {(.Resource): .Limit}] | add | \"\(.networks) \(.ports)\""'
check "quota delete" openstack quota delete --network admin
check "port delete" sh -c 'for port in $(openstack port list --network blue -f value -c ID); do openstack port delete "$port" || exit; done'
check "subnet delete" openstack subnet delete blue-v4 blue-v6
check "network delete" openstack network delete blue
check "security group delete" openstack security group delete web
is "nothing is left of it" "default public" names network
