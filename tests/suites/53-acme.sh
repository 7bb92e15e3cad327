#!/bin/bash
# A certificate of an ACME authority (Debian's pebble, in a network namespace of its own): proven by http-01 at port 80, shown to those who ask
# for its name, kept over a restart; and what is said where it cannot be had.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/cloud.sh

[ "$(id -u)" = 0 ] || { echo "skipped: a network namespace needs root"; exit 0; }
command -v pebble >/dev/null && command -v pebble-challtestsrv >/dev/null || { echo "skipped: there is no pebble (the Debian package of that name)"; exit 0; }
if [ -z "${ACME_INSIDE:-}" ]; then
    ensure_cloud_binary || exit 1
    # Its own port 80 and its own loopback; all that runs in it ends with it.
    ACME_INSIDE=1 CLOUDBOX=${CLOUDBOX:-$PWD/target/debug/cloudbox} exec unshare --net --pid --fork --kill-child --mount-proc "$0"
fi
ip link set lo up
work=$(mktemp -d)
trap 'stop_cloud; kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT
domain=cloud.example

# The authority, with a certificate of its own.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=pebble -addext 'subjectAltName=IP:127.0.0.1' -addext 'basicConstraints=critical,CA:FALSE' \
    -keyout "$work/pebble.key" -out "$work/pebble.pem" 2>/dev/null || exit 1
cat >"$work/pebble.json" <<EOF
{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "certificate": "$work/pebble.pem",
 "privateKey": "$work/pebble.key", "httpPort": 80, "tlsPort": 443, "ocspResponderURL": ""}}
EOF
pebble-challtestsrv -defaultIPv4 127.0.0.1 -defaultIPv6 '' -http01 '' -https01 '' -tlsalpn01 '' >"$work/dns.log" 2>&1 &
authority() {
    PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=20 pebble -config "$work/pebble.json" -dnsserver 127.0.0.1:8053 >>"$work/pebble.log" 2>&1 &
    authority_pid=$!
}
authority
answers() { curl -fsS -o /dev/null --cacert "$work/pebble.pem" https://127.0.0.1:14000/dir; }
check "pebble answers" until_true 20 answers
curl -sS -k https://127.0.0.1:15000/roots/0 >"$work/root.pem"

cloud_listen=0.0.0.0 cloud_config="
[api.tls]
ca_file = '$work/root.pem'
[api.tls.acme]
domains = ['$domain']
directory = 'https://127.0.0.1:14000/dir'
directory_ca_file = '$work/pebble.pem'
contacts = ['mailto:me@$domain']
accept_terms = true"
start_fake_cloud "$work/cloud" || exit 1
port=${cloud_url##*:}
is "the cloud is known by its name" "https://$domain:$port" echo "$cloud_url"
shown() { curl -fsS --cacert "$work/root.pem" --resolve "$domain:$port:127.0.0.1" "https://$domain:$port/identity/v3"; }
check "a certificate is had and shown" until_true 60 shown
check "the administrator's file trusts it" grep -q "cacert: \"$work/root.pem\"" "$work/cloud/data/clouds.yaml"
check "who asks for another name is shown the cloud's own" curl -fsS --cacert "$work/cloud/data/tls/ca.pem" "https://localhost:$port/identity/v3"
refused "nobody is left at port 80" 'refused|connect' curl -sS "http://127.0.0.1:80/"
is "account and key are the owner's alone" "600 600" sh -c "echo \$(stat -c %a '$work'/cloud/data/tls/acme*)"

echo "a restart"
before=$(sha256sum <"$work/cloud/data/tls/acme.pem")
stop_cloud
kill "$authority_pid"
start_fake_cloud "$work/cloud" || exit 1
port=${cloud_url##*:}
check "it is shown again, without the authority" shown
is "it is the same" "$before" sh -c "sha256sum <'$work/cloud/data/tls/acme.pem'"

echo "an authority that is away"
stop_cloud
rm "$work/cloud/data/tls/acme.pem"
start_fake_cloud "$work/cloud" || exit 1
port=${cloud_url##*:}
check "the cloud starts" curl -fsS -o /dev/null --cacert "$work/cloud/data/tls/ca.pem" "https://localhost:$port/identity/v3"
check "the log says why there is none" until_true 30 grep -q 'no certificate was had of the ACME authority' "$work/cloud/serve.log"
says "so does the health" 'no certificate can be had' curl -sS --cacert "$work/cloud/data/tls/ca.pem" "https://localhost:$port/readyz"
authority
until_true 20 answers
# Its roots are new with each start, and it knows nobody any more.
curl -sS -k https://127.0.0.1:15000/roots/0 >"$work/root.pem"
kill -HUP "$cloud_pid"
check "once it is back, there is one" until_true 60 shown
finish
