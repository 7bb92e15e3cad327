# Sourced by the demo and by suites that want a cloud of their own: start_cloud or start_fake_cloud, stop_cloud, api.
#
# Everything is below one temporary directory, and every device, namespace and nftables table on the host begins with
# one prefix: so it can all be found again, and nothing else is touched. Two clouds on a host need two prefixes and
# two ranges of addresses.

cloud_binary=${CLOUDBOX:-$PWD/target/debug/cloudbox}

# Builds the binary, unless CLOUDBOX names one.
ensure_cloud_binary() {
    [ -n "${CLOUDBOX:-}" ] || cargo build --locked --quiet
}

# start_cloud DIR PREFIX CIDR [SERVE-OPTION...]: with real guests and networks, until it says that it is ready. Sets
# cloud_pid and cloud_url, and exports what clients look for (OS_CLOUD, OS_CLIENT_CONFIG_FILE). cloud_config adds sections to
# the configuration file, cloud_hypervisor is another libvirt than its own, cloud_listen another address than 127.0.0.1: then it speaks TLS.
start_cloud() {
    cloud_dir=$1 cloud_prefix=$2
    local cidr=$3
    shift 3
    mkdir -p "$cloud_dir/libvirt"
    # QEMU runs as a user of its own and has to get to its disks.
    chmod 711 "$cloud_dir"
    printf '[network]\ndevice_prefix = "%s"\ndefault_cidr = "%s"\n%s\n' "$cloud_prefix" "$cidr" "${cloud_config:-}" >"$cloud_dir/cloudbox.toml"
    serve_until_ready --config "$cloud_dir/cloudbox.toml" \
        --hypervisor "${cloud_hypervisor:-qemu:///embed?root=$cloud_dir/libvirt}" "$@"
}

# start_fake_cloud DIR [SERVE-OPTION...]: likewise (with cloud_config), touching nothing but DIR: guests and networks are make-believe.
start_fake_cloud() {
    cloud_dir=$1 cloud_prefix=
    shift
    mkdir -p "$cloud_dir"
    # Every message over the bus goes through its bytes, as between two hosts.
    printf '[bus]\nwire_checked = true\n%s\n' "${cloud_config:-}" >"$cloud_dir/cloudbox.toml"
    serve_until_ready --config "$cloud_dir/cloudbox.toml" --hypervisor fake --network fake "$@"
}

serve_until_ready() {
    local deadline=$((SECONDS + 60))
    mkdir -p "$cloud_dir/data"
    # Not what an earlier start said.
    : >"$cloud_dir/serve.log"
    "$cloud_binary" serve --data-dir "$cloud_dir/data" --listen "${cloud_listen:-127.0.0.1}:0" "$@" </dev/null >"$cloud_dir/serve.log" 2>&1 &
    cloud_pid=$!
    until cloud_url=$(sed -n 's/^cloudbox is ready at \([^ ]*\).*/\1/p' "$cloud_dir/serve.log") && [ -n "$cloud_url" ]; do
        if ! kill -0 "$cloud_pid" 2>/dev/null || [ $SECONDS -ge $deadline ]; then
            echo "cloudbox did not get ready:" >&2
            tail -20 "$cloud_dir/serve.log" >&2
            return 1
        fi
        sleep 0.1
    done
    export OS_CLOUD=cloudbox OS_CLIENT_CONFIG_FILE=$cloud_dir/data/clouds.yaml
}

# Stops the cloud and removes what guests and networks have left on the host: a cloud that stops lets both live on.
stop_cloud() {
    [ -n "${cloud_dir:-}" ] || return 0
    local pid name family
    if [ -n "${cloud_pid:-}" ]; then
        kill "$cloud_pid" 2>/dev/null
        for _ in $(seq 150); do kill -0 "$cloud_pid" 2>/dev/null || break; sleep 0.1; done
        kill -9 "$cloud_pid" 2>/dev/null
        wait "$cloud_pid" 2>/dev/null
    fi
    # Guests and helpers, by the directory that only they name.
    for pid in $(pgrep -f -- "$cloud_dir/"); do
        [ "$pid" = $$ ] || kill -9 "$pid" 2>/dev/null
    done
    # A fake cloud has no prefix: it has nothing on the host.
    [ "$(id -u)" = 0 ] && [ -n "$cloud_prefix" ] || return 0
    for name in $(ip netns list 2>/dev/null | awk -v p="$cloud_prefix" 'index($1, p "dhcp-") == 1 || index($1, p "router-") == 1 { print $1 }'); do
        for pid in $(ip netns pids "$name" 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
        ip netns delete "$name"
    done
    for name in $(ip -o link | sed -nE "s/^[0-9]+: ($cloud_prefix[a-z]{2}[0-9a-f]{10})[@:].*/\1/p"); do
        ip link delete "$name" 2>/dev/null
    done
    rm -rf "/run/cloudbox/$cloud_prefix"
    for family in inet bridge; do nft delete table $family "$cloud_prefix" 2>/dev/null; done
    return 0
}

# api METHOD PATH [JSON]: any call of the cloud's APIs as admin: api GET /network/v2.0/networks
api() {
    # It is nowhere else than in clouds.yaml.
    local ca=$cloud_dir/data/tls/ca.pem
    [ ! -f "$ca" ] || export CURL_CA_BUNDLE=$ca
    if [ -z "${api_token:-}" ]; then
        api_token=$(
            eval "$("$cloud_binary" openrc)"
            jq -n '{auth: {identity: {methods: ["password"], password: {user: {name: env.OS_USERNAME, password: env.OS_PASSWORD,
                domain: {name: (env.OS_USER_DOMAIN_NAME // "Default")}}}}, scope: {project: {name: env.OS_PROJECT_NAME,
                domain: {name: (env.OS_PROJECT_DOMAIN_NAME // "Default")}}}}}' |
                curl -fsS -o /dev/null -D - -H 'Content-Type: application/json' -d @- "$OS_AUTH_URL/auth/tokens" |
                tr -d '\r' | awk 'tolower($1) == "x-subject-token:" { print $2 }'
        )
    fi
    curl -sS --fail-with-body -X "$1" -H "X-Auth-Token: $api_token" ${3:+-H 'Content-Type: application/json' -d "$3"} "$cloud_url$2"
}

# Opens every project's default security group for SSH and ping: what one does first in any OpenStack cloud.
allow_ssh_and_ping() {
    local group rule
    for group in $(api GET '/network/v2.0/security-groups?name=default' | jq -r '.security_groups[].id'); do
        for rule in '"protocol": "tcp", "port_range_min": 22, "port_range_max": 22' '"protocol": "icmp"'; do
            api POST /network/v2.0/security-group-rules \
                "{\"security_group_rule\": {\"security_group_id\": \"$group\", \"direction\": \"ingress\", \"ethertype\": \"IPv4\", $rule}}" >/dev/null
        done
    done
}
