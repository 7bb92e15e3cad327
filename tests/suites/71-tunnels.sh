#!/bin/bash
# Into a real guest through the API alone, over TLS: SSH, tunnels to its ports and its serial console, from a laptop (a network
# namespace) that reaches nothing but the API's port. Host keys, closing sides, big transfers, who may not get in, the cloud's end.
# Then by an address of the LAN that both are in. The guest is on a tenant's network, which the host itself does not reach.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/cloud.sh

[ "$(id -u)" = 0 ] || { echo "skipped: networks of guests need root"; exit 0; }
work=$(mktemp -d /var/tmp/cloudbox-tunnels.XXXXXX)
chmod 711 "$work"
laptop=ctl-laptop
clean_up() {
    jobs -p | xargs -r kill 2>/dev/null
    stop_cloud
    ip netns delete $laptop 2>/dev/null
    ip link delete ctl-desk 2>/dev/null
    [ -n "${KEEP:-}" ] && echo "kept: $work" || rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
ensure_cloud_binary && tests/guest/build.sh build/guest.qcow2 || exit 1

# The laptop is at the end of a cable: that is the LAN, and the laptop is taken for its router.
ip netns add $laptop && ip link add ctl-desk type veth peer name eth0 netns $laptop &&
    ip address add 10.197.9.1/28 dev ctl-desk && ip link set ctl-desk up &&
    ip -n $laptop address add 10.197.9.2/28 dev eth0 && ip -n $laptop link set eth0 up &&
    ip -n $laptop link set lo up || exit 1
cloud_config='external_cidr = "10.197.9.0/28"
external_interface = "ctl-desk"
external_gateway = "10.197.9.2"
external_range = "10.197.9.5-10.197.9.9"'
cloud_listen=0.0.0.0 start_cloud "$work/cloud" ctl 10.197.8.0/24 || exit 1
port=${cloud_url##*:}
# It goes by its first address in the catalog.
host=${cloud_url#*//}
ip -n $laptop route add "${host%:*}" via 10.197.9.1 || exit 1
home=$work/laptop
mkdir -p "$home/.config/openstack"
cp "$cloud_dir/data/tls/ca.pem" "$home/.config/openstack/"
sed -e "s,$cloud_url,https://10.197.9.1:$port," -e 's,cacert:.*,cacert: ~/.config/openstack/ca.pem,' \
    "$OS_CLIENT_CONFIG_FILE" >"$home/.config/openstack/clouds.yaml"
at_laptop() { ip netns exec $laptop env -u OS_CLIENT_CONFIG_FILE HOME="$home" "$@"; }
# For what runs in the background: the process is the command's own, which can be ended.
be_at_laptop() { exec ip netns exec $laptop env -u OS_CLIENT_CONFIG_FILE HOME="$home" "$@"; }
laptop_cloudbox() { at_laptop timeout 120 "$cloud_binary" "$@"; }
# What is run in the guest. Its key comes from the console: nobody says --accept-new here.
on() { laptop_cloudbox vm ssh guest --identity "$work/key" --user cirros --timeout 60 -- "$@" </dev/null; }
sum_of() { sha256sum "$1" | cut -d' ' -f1; }
# make KIND JSON: makes one by the network API; its id.
make() { api POST "/network/v2.0/$1s" "{\"$1\": $2}" | jq -r ".$1.id"; }
allow() { "$cloud_binary" security-group allow default --protocol tcp --port "$1"; }

echo "a guest that lets nobody in"
check "keypair" "$cloud_binary" keypair create mine --private-key "$work/key"
check "image" "$cloud_binary" image create guest --file build/guest.qcow2 --disk-format qcow2 --wait
check "flavor" "$cloud_binary" flavor create small --ram 192 --disk 1
public=$(api GET '/network/v2.0/networks?name=public' | jq -r '.networks[0].id')
mine=$(make network '{"name": "mine"}')
subnet=$(make subnet "{\"network_id\": \"$mine\", \"ip_version\": 4, \"cidr\": \"10.197.10.0/24\"}")
router=$(make router "{\"name\": \"r\", \"external_gateway_info\": {\"network_id\": \"$public\"}}")
check "a tenant's network behind a router" api PUT "/network/v2.0/routers/$router/add_router_interface" "{\"subnet_id\": \"$subnet\"}"
check "vm create --wait, from the laptop" laptop_cloudbox vm create guest --image guest --flavor small --key mine --network mine --wait || exit 1
booted() { "$cloud_binary" vm log guest | grep -aq 'boot finished'; }
check "it boots" until_true 240 booted
address=$(api GET /compute/v2.1/servers/detail | jq -r '.servers[0].addresses.mine[0].addr')
refused "the laptop has no way to it" . at_laptop timeout 5 bash -c "exec 3<>/dev/tcp/$address/22"
began=$SECONDS
refused "its security group lets no SSH in: said with what to do" 'security-group allow default --protocol tcp --port 22' \
    laptop_cloudbox vm ssh guest --identity "$work/key" --user cirros --timeout 5 -- true
check "… in time" test $((SECONDS - began)) -le 25
refused "nor a tunnel" 'Nobody answers at port 22' laptop_cloudbox vm tunnel guest 22

echo "vm ssh"
check "SSH is let in" allow 22
is "cat /etc/hostname" guest on cat /etc/hostname
status_of() { "$@"; echo $?; }
is "a command's exit status comes back" 7 status_of on exit 7
head -c 30000000 /dev/urandom >"$work/big"
up() { laptop_cloudbox vm ssh guest --identity "$work/key" --user cirros -- 'cat >/tmp/big; sha256sum /tmp/big' <"$work/big"; }
says "30 MB to the guest" "^$(sum_of "$work/big") " up
down() { on cat /tmp/big >"$work/back"; cmp "$work/big" "$work/back"; }
check "and back" down

echo "host keys"
check "another SSH server, with another key" on 'dropbearkey -t ed25519 -f /tmp/other >/dev/null && sudo dropbear -r /tmp/other -p 2222'
check "is let in" allow 2222
refused "its key was not printed on the console" 'Host key verification failed|REMOTE HOST IDENTIFICATION' \
    laptop_cloudbox vm ssh guest --identity "$work/key" --user cirros --port 2222 -- true

echo "vm tunnel"
for allowed in 80 9000 9001; do check "port $allowed is let in" allow $allowed; done
check "a web server" on 'mkdir -p /tmp/www && mv /tmp/big /tmp/www/ && echo hello >/tmp/www/index.html && sudo busybox httpd -p 80 -h /tmp/www'
be_at_laptop "$cloud_binary" vm tunnel guest 8080:80 9000:9000 9001:9001 >"$work/tunnel.log" 2>&1 &
tunnel=$!
leads() { grep -q '127.0.0.1:9001 leads to port 9001' "$work/tunnel.log"; }
check "three ports of the laptop lead there" until_true 20 leads
fetch() { at_laptop curl -sS --max-time 100 "http://127.0.0.1:8080/$1"; }
is "a page" hello fetch index.html
big_is_big() { fetch big >"$work/back" && cmp "$work/big" "$work/back"; }
check "30 MB" big_is_big
many() {
    local number fetching=()
    for number in $(seq 12); do fetch index.html >"$work/page.$number" & fetching+=($!); done
    wait "${fetching[@]}"
    [ "$(cat "$work"/page.* | sort | uniq -c | xargs)" = "12 hello" ]
}
check "twelve connections at once" many
# 2328 is 9000, and 0A that somebody listens.
check "somebody who reads to the end and answers then" on '(nc -l -p 9000 -e sha256sum </dev/null >/dev/null 2>&1 &)
    until grep -q ":2328 .* 0A " /proc/net/tcp; do sleep 0.2; done'
# The laptop says that it has no more, and hears the answer after that.
half_closed() {
    at_laptop python3 - "$work/big" <<'PYTHON'
import socket, sys
data = open(sys.argv[1], "rb").read()[:4000000]
with socket.create_connection(("127.0.0.1", 9000), timeout=60) as tunnel:
    tunnel.sendall(data)
    tunnel.shutdown(socket.SHUT_WR)
    answer = b"".join(iter(lambda: tunnel.recv(4096), b""))
print(answer.decode().split()[0])
PYTHON
}
is "the end of what one side says reaches the other, which answers" "$(head -c 4000000 "$work/big" | sha256sum | cut -d' ' -f1)" half_closed
closed_at_once() { at_laptop timeout 20 python3 -c 'import socket; print(socket.create_connection(("127.0.0.1", 9001), timeout=15).recv(1))'; }
is "where nobody listens a connection ends" "b''" closed_at_once
says "… and it is said why" 'Nobody answers at port 9001' cat "$work/tunnel.log"
kill $tunnel && wait $tunnel 2>/dev/null
# The guest closes; that there might be more to say does not keep it.
printf 'GET /index.html HTTP/1.0\r\n\r\n' >"$work/request"
spoken() {
    mkfifo "$work/mouth"
    be_at_laptop timeout 20 "$cloud_binary" vm tunnel guest 80 <"$work/mouth" >"$work/heard" &
    local speaking=$!
    exec 7>"$work/mouth"
    cat "$work/request" >&7
    wait $speaking || return 1
    exec 7>&-
    tr -d '\r' <"$work/heard"
}
says "standard input and output" '^HTTP/1.[01] 200 OK' spoken

echo "vm console"
says "log in, a command, the escape" '^all of it worked$' at_laptop python3 tests/clients/console.py "$cloud_binary" vm console guest
says "it is free for the next" '^all of it worked$' at_laptop python3 tests/clients/console.py "$cloud_binary" vm console guest

echo "an address of the LAN"
says "the guest reaches the LAN" ' 0% packet loss' on ping -c 1 -W 5 10.197.9.2
port_id=$(api GET "/network/v2.0/ports?network_id=$mine&device_owner=compute:nova" | jq -r '.ports[0].id')
floating=$(make floatingip "{\"floating_network_id\": \"$public\", \"port_id\": \"$port_id\"}")
floating_address=$(api GET "/network/v2.0/floatingips/$floating" | jq -r .floatingip.floating_ip_address)
directly() {
    at_laptop ssh -i "$work/key" -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o LogLevel=ERROR -o ConnectTimeout=20 "cirros@$floating_address" "$@" </dev/null
}
says "SSH from the laptop to a floating IP" '^10[.]197[.]9[.]2 ' directly 'echo $SSH_CONNECTION'
announced() { ip neigh show proxy dev ctl-desk | cut -d' ' -f1 | sort | xargs; }
says "the host answers for it in the LAN" "$floating_address" announced
check "it is given back" api DELETE "/network/v2.0/floatingips/$floating"
not_announced() { ! announced | grep -qF "$floating_address"; }
check "the host answers for it no more" until_true 20 not_announced

echo "the cloud stops meanwhile"
be_at_laptop timeout 100 "$cloud_binary" vm ssh guest --identity "$work/key" --user cirros -- sleep 90 </dev/null >/dev/null 2>&1 &
session=$!
be_at_laptop timeout 100 "$cloud_binary" vm tunnel guest 8081:80 >/dev/null 2>&1 &
be_at_laptop timeout 100 python3 tests/clients/console.py --stay "$cloud_binary" vm console guest >"$work/stay.log" 2>&1 &
staying=$!
sleeps() { on 'cat /proc/[0-9]*/comm 2>/dev/null | grep -qx sleep'; }
check "a session is open" until_true 30 sleeps
check "and a console" until_true 30 grep -q 'logged in' "$work/stay.log"
began=$SECONDS
kill "$cloud_pid"
stopped() { ! kill -0 "$cloud_pid" 2>/dev/null; }
check "it stops in time all the same" until_true 15 stopped
echo "    after $((SECONDS - began)) s"
ended() { ! kill -0 "$1" 2>/dev/null; }
check "the session ends" until_true 10 ended $session
check "the console ends" until_true 10 ended $staying
is "no socket of a tunnel is left" "" find "$cloud_dir/data" -path '*/tunnels/*' -type s
grep -aE 'panicked| ERROR ' "$cloud_dir/serve.log" >"$check_output"
check "the log holds no error" test ! -s "$check_output"
finish
