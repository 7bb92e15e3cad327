#!/bin/bash
# make demo: boots a real VM through all 16 steps, shows them, and takes everything down again.
#
#   KEEP=1         leave the cloud up and say how to use it; Ctrl-C takes it down
#   CLOUDBOX=FILE  use this binary instead of building one
#
# Networks of guests need root: what needs no root (build, guest image) is done first, the rest through sudo.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'; else bold='' dim='' green='' red='' plain=''; fi
say() { echo "${bold}$*${plain}"; }
now() { date +%s.%N; }
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# step TEXT COMMAND...: one line with the time it took; its output only if it fails.
step() {
    local text=$1 started
    shift
    started=$(now)
    printf '  %-44s ' "$text"
    # Not in a subshell: a step may set variables.
    if "$@" >"$output" 2>&1; then
        printf '%s✓%s %s%6s s%s\n' "$green" "$plain" "$dim" "$(since "$started")" "$plain"
    else
        printf '%s✗ failed%s\n' "$red" "$plain"
        tail -30 "$output" | sed 's/^/    /'
        [ -z "${cloud_dir:-}" ] || { echo "    ── the end of cloudbox's log:"; tail -15 "$cloud_dir/serve.log" | sed 's/^/    /'; }
        exit 1
    fi
}
since() { awk -v a="$(now)" -v b="$1" 'BEGIN { printf "%.1f", a - b }'; }

prepare() {
    say "Getting ready"
    packaging/system-packages.sh | sed 's/^/  /' || exit 1
    if [ -z "${CLOUDBOX:-}" ]; then
        # Cargo shows its own progress: the first build takes some minutes.
        cargo build --locked || exit 1
        export CLOUDBOX=$PWD/target/debug/cloudbox
    fi
    step "guest image" tests/guest/build.sh build/guest.qcow2
}

if [ -z "${DEMO_PREPARED:-}" ]; then
    prepare
    export DEMO_PREPARED=1
fi
if [ "$(id -u)" != 0 ]; then
    say "Guests' networks need root: going on with sudo"
    rm -f "$output"
    exec sudo --preserve-env=CLOUDBOX,KEEP,DEMO_PREPARED,TERM "$0" "$@"
fi

. tests/lib/cloud.sh
work=$(mktemp -d /var/tmp/cloudbox-demo.XXXXXX)
vm=demo

take_down() {
    local status=$?
    trap - EXIT INT TERM
    [ -n "${cloud_pid:-}" ] || { rm -rf "$work" "$output"; exit $status; }
    echo
    say "Taking it down"
    # Whatever is there by now; on the way out nothing is worth stopping for.
    "$CLOUDBOX" vm delete "$vm" --wait >/dev/null 2>&1
    "$CLOUDBOX" volume delete "$vm-data" --wait >/dev/null 2>&1
    stop_cloud
    rm -rf "$work" "$output"
    if [ $status = 0 ]; then echo "  nothing is left of it"; fi
    exit $status
}
trap take_down EXIT
trap 'exit 130' INT TERM

# ── The demo itself: what one would type. ──────────────────────────────────────────────────────────────────────────
say "A cloud"
step "cloudbox serve" start_cloud "$work" cdm 10.199.0.0/24
cloudbox() { "$CLOUDBOX" "$@"; }
step "keypair create" cloudbox keypair create "$vm-key" --private-key "$work/key"
step "image create (upload, checksum, inspection)" cloudbox image create cirros --file build/guest.qcow2 --disk-format qcow2 --wait
step "network list" cloudbox network list
step "security-group allow (SSH)" cloudbox security-group allow default --protocol tcp --port 22
step "security-group allow (ping)" cloudbox security-group allow default --protocol icmp
step "volume create" cloudbox volume create "$vm-data" --size 1 --wait

echo
say "A VM"
asked=$(now)
step "vm create --wait" cloudbox vm create "$vm" --image cirros --network default --key "$vm-key" --volume "$vm-data" --wait
on_vm() { cloudbox vm ssh "$vm" --identity "$work/key" --user cirros --accept-new -- "$@"; }
# The guest boots without KVM here and there: two minutes is plenty.
ssh_answers() {
    local deadline=$((SECONDS + 120))
    until timeout 15 "$CLOUDBOX" vm ssh "$vm" --identity "$work/key" --user cirros --accept-new -- true 2>/dev/null; do
        [ $SECONDS -lt $deadline ] || { cloudbox vm log "$vm" | tail -20; return 1; }
        sleep 0.5
    done
}
step "the guest answers SSH" ssh_answers
echo "  from the request to a shell: $(since "$asked") s"

echo
say "What happened in between: cloudbox vm trace $vm"
cloudbox vm trace "$vm" || exit 1

echo
say "Inside the guest: cloudbox vm ssh $vm"
on_vm 'echo "$(hostname), Linux $(uname -r), up $(cut -d. -f1 /proc/uptime) s"; ip -o -4 address show dev eth0 | cut -d" " -f2-7; lsblk -o NAME,SIZE,SERIAL,TYPE' |
    sed 's/^/  /' || exit 1

if [ -n "${KEEP:-}" ]; then
    cat <<EOF

${bold}It stays up.${plain} In another terminal (as root):

  export OS_CLOUD=cloudbox OS_CLIENT_CONFIG_FILE=$OS_CLIENT_CONFIG_FILE
  alias cloudbox=$CLOUDBOX
  cloudbox vm list
  cloudbox vm ssh $vm --identity $work/key --user cirros
  cloudbox vm create another --image cirros --key $vm-key --wait
  openstack server list                 # any OpenStack client will do
  source <(cloudbox openrc)             # for those that want OS_* variables

  APIs at $cloud_url, log in $work/serve.log
  Ctrl-C takes everything down.
EOF
    wait "$cloud_pid"
fi
