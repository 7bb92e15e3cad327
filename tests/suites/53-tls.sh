#!/bin/bash
# A cloud that others can reach: encrypted without being asked, from this host and from a laptop (a network namespace) that has nothing but
# clouds.yaml and the authority's certificate. With the `openstack` command, cloudbox's own, curl, and a console's WebSocket.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/clients.sh
. tests/lib/cloud.sh

[ "$(id -u)" = 0 ] || { echo "skipped: a network namespace needs root"; exit 0; }
work=$(mktemp -d)
laptop=cbt-laptop-$$
clean_up() {
    stop_cloud
    ip netns delete "$laptop" 2>/dev/null
    ip link delete "cbt$$" 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT
cloud_listen=0.0.0.0
ensure_cloud_binary && clients_venv && start_fake_cloud "$work" || exit 1
port=${cloud_url##*:}

echo "from this host"
is "it answers by https" https echo "${cloud_url%%:*}"
says "openstack token issue" '^\| id ' openstack token issue
says "openstack flavor list" 'm1\.' openstack flavor list
says "cloudbox flavor list" 'm1\.' "$cloud_binary" flavor list
says "curl knows the authority" '"v3\.[0-9]+"' curl -sS --cacert "$work/data/tls/ca.pem" "https://localhost:$port/identity/v3"
refused "and trusts nobody else" 'certificate' curl -sS "https://localhost:$port/identity/v3"
says "plain HTTP is told to use https" "use https://localhost:$port/" curl -sS "http://localhost:$port/identity/v3"
says "HTTP/2 is agreed on" '^2$' curl -sS -o /dev/null -w '%{http_version}\n' --cacert "$work/data/tls/ca.pem" "https://localhost:$port/"
for version in 1.2 1.3; do
    says "TLS $version" '"v3\.[0-9]+"' curl -sS --tlsv$version --tls-max $version --cacert "$work/data/tls/ca.pem" "https://localhost:$port/identity/v3"
done
refused "TLS 1.1 is not spoken" . curl -sS --tls-max 1.1 --cacert "$work/data/tls/ca.pem" "https://localhost:$port/"
check "openssl finds no fault with the certificate" sh -c \
    "openssl s_client -connect localhost:$port -CAfile '$work/data/tls/ca.pem' -verify_return_error -x509_strict -verify_hostname localhost </dev/null"

echo "from a laptop"
# The host gets an address after the start: the certificate follows.
ip netns add "$laptop" && ip link add "cbt$$" type veth peer name eth0 netns "$laptop" &&
    ip address add 198.51.100.1/30 dev "cbt$$" && ip link set "cbt$$" up &&
    ip -n "$laptop" address add 198.51.100.2/30 dev eth0 && ip -n "$laptop" link set eth0 up && ip -n "$laptop" link set lo up &&
    ip -n "$laptop" route add default via 198.51.100.1 || exit 1
kill -HUP "$cloud_pid"
check "the certificate follows the host's addresses" until_true 30 grep -q 'another TLS certificate' "$work/serve.log"
home=$work/laptop
mkdir -p "$home/.config/openstack"
cp "$work/data/tls/ca.pem" "$home/.config/openstack/"
sed -e "s,$cloud_url,https://198.51.100.1:$port," -e 's,cacert:.*,cacert: ~/.config/openstack/ca.pem,' \
    "$work/data/clouds.yaml" >"$home/.config/openstack/clouds.yaml"
at_laptop() { ip netns exec "$laptop" env -u OS_CLIENT_CONFIG_FILE HOME="$home" "$@"; }
says "openstack project list" 'admin' at_laptop openstack project list
says "cloudbox flavor list" 'm1\.' at_laptop "$cloud_binary" flavor list
rm "$home/.config/openstack/ca.pem"
refused "not without the authority" 'ca.pem' at_laptop "$cloud_binary" flavor list
says "unless nobody cares" 'm1\.' at_laptop "$cloud_binary" --insecure --os-cacert "$work/data/tls/ca.pem" flavor list

echo "a console"
check "its page and its WebSocket come over TLS" python3 - "$work/data/tls/ca.pem" "$port" <<'PYTHON'
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
def ask(head):
    with context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[2]))), server_hostname="localhost") as tls:
        tls.sendall(head.replace("\n", "\r\n").encode())
        return tls.recv(4096).decode()
page = ask("GET /console/vnc_auto.html HTTP/1.1\nHost: localhost\nConnection: close\n\n")
assert page.startswith("HTTP/1.1 200"), page
socket_answer = ask("GET /console/websockify?token=none HTTP/1.1\nHost: localhost\nUpgrade: websocket\nConnection: Upgrade\n"
    "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\nSec-WebSocket-Protocol: binary\n\n")
assert socket_answer.split()[1] in ("101", "401", "403"), socket_answer
PYTHON

grep -aE 'panicked| ERROR ' "$work/serve.log" >"$check_output"
check "the log holds no error" test ! -s "$check_output"
finish
