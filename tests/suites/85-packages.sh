#!/bin/bash
# The packages: made from the binary that the tests have anyway, read by lintian and rpmlint, installed on a machine with a systemd
# of its own, used, killed, upgraded, cut off from power, removed and purged, with a guest that lives on or comes back.
#
# Debian 12 and the .rpm here, and what a user of Debian 13 types; SLOW=1 (`make test-slow`) does all of it on Debian 13, and Ubuntu where its
# archive can be reached. CLOUDBOX_DEB=FILE tries that package instead of making one: a release. KEEP=1 keeps the machines' disks.
# Machines need root: what needs none is done first, the rest through sudo.
set -uo pipefail
. tests/lib/check.sh
. tests/lib/cloud.sh
. tests/lib/machine.sh
. tests/packages/files.sh
. tests/packages/host.sh
. tests/packages/life.sh

if [ -z "${PACKAGES_PREPARED:-}" ]; then
    packaging/system-packages.sh packaging && { [ -n "${CLOUDBOX_DEB:-}" ] || ensure_cloud_binary; } && tests/guest/build.sh build/guest.qcow2 || exit 1
    export PACKAGES_PREPARED=1
fi
if [ "$(id -u)" != 0 ]; then
    rm -f "$check_output"
    exec sudo --preserve-env=CLOUDBOX,CLOUDBOX_DEB,KEEP,SLOW,PACKAGES_PREPARED "$0" "$@"
fi
mkdir -p build
work=$(mktemp -d "$PWD/build/packages.XXXXXX")
take_down() {
    machine_off
    [ -n "${KEEP:-}" ] && echo "kept: $work" || rm -rf "$work"
}
trap take_down EXIT
trap 'exit 130' INT TERM
chmod 711 "$work"

make_packages "$work" || exit 1
look_at_deb
look_at_rpm
same_bytes_again
life_of_deb bookworm
life_of_rpm bookworm
fresh_install trixie
if [ "${SLOW:-}" = 1 ]; then
    life_of_deb trixie
    if ubuntu_can_be_had; then
        fresh_install noble
    else
        echo "Ubuntu: its archive or its keys are not to be had here, left out"
    fi
fi
finish
