#!/bin/bash
# Runs the tests of OpenStack's own test suite whose names match against the cloud of OS_CLOUD: tests/tempest/run.sh DIR
# REGEX...
#
# EXCLUDE is a regex of tests to leave out, HTTP_IMAGE the address of an image to import, FORMAT_CHECK=false says that the
# cloud does not look into images.
# Takes the two smallest public images and flavors, and the first external network. Needs the clients' venv in PATH
# (tests/lib/clients.sh). In DIR afterwards: tempest.conf, tempest.log, results.txt. Ends with "N passed, N failed, N
# skipped", and badly when one failed, or none passed.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: $0 DIR REGEX...}
shift
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

settings() {
    python3 - <<'PYTHON'
import os

import openstack

cloud = openstack.connect()
auth = cloud.config.config["auth"]
images = sorted(cloud.image.images(status="active", visibility="public"), key=lambda image: (image.size, image.name))
flavors = sorted(cloud.compute.flavors(), key=lambda flavor: (flavor.ram, flavor.disk))
if len(images) < 2 or len(flavors) < 2:
    raise SystemExit("the cloud needs two public images and two flavors")
found = {
    "AUTH_URL": auth["auth_url"], "USERNAME": auth["username"], "PASSWORD": auth["password"], "PROJECT": auth["project_name"],
    "DOMAIN": auth.get("project_domain_name", "Default"), "REGION": cloud.config.region_name,
    "IMAGE": images[0].id, "OTHER_IMAGE": images[1].id, "FLAVOR": flavors[0].id, "OTHER_FLAVOR": flavors[1].id,
    "PUBLIC_NETWORK": next(cloud.network.networks(is_router_external=True)).id,
    "HTTP_IMAGE": os.environ.get("HTTP_IMAGE", ""), "FORMAT_CHECK": os.environ.get("FORMAT_CHECK", "true"),
}
print("\n".join(f"s|@{name}@|{value}|" for name, value in found.items()))
PYTHON
}

rm -rf "$dir/workspace"
tempest init --name "cloudbox-$$" --workspace-path "$dir/workspaces.yaml" "$dir/workspace" >"$dir/init.log" 2>&1 || {
    cat "$dir/init.log"
    exit 1
}
settings >"$dir/settings.sed" || exit 1
sed -f "$dir/settings.sed" -e "s|@DIR@|$dir|" "$here/tempest.conf" >"$dir/tempest.conf"
cp "$dir/tempest.conf" "$dir/workspace/etc/tempest.conf"

cd "$dir/workspace" || exit 1
# The cloud is in tempest.conf now.
unset OS_CLOUD OS_CLIENT_CONFIG_FILE
regex=$(IFS='|' && echo "$*")
tempest run --regex "$regex" ${EXCLUDE:+--exclude-regex "$EXCLUDE"} --concurrency "${CONCURRENCY:-2}" >"$dir/results.txt" 2>&1
status=$?
count() { sed -nE "s/^ - $1: +([0-9]+)\$/\1/p" "$dir/results.txt" | tail -1; }
passed=$(count Passed) failed=$(count Failed) skipped=$(count Skipped)
# Without the totals something else went wrong. A class whose set-up failed is counted as failed, once.
if [ $status != 0 ]; then
    sed -n '/^Captured traceback/,$p' "$dir/results.txt" | head -150
    [ -n "$passed" ] || tail -30 "$dir/results.txt"
fi
grep -E '^\{[0-9]+\} ' "$dir/results.txt" | sed -E 's/^\{[0-9]+\} /  /'
echo "${passed:-0} passed, ${failed:-1} failed, ${skipped:-0} skipped"
[ $status = 0 ] && [ "${passed:-0}" != 0 ]
