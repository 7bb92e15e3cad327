#!/bin/bash
# How long it is from the package to a guest that answers SSH, how long the installed service takes to be ready, and how much memory
# everything but guests has:
#
#   tests/packages/measure.sh FILE.deb [SUITE]
#
# On a machine with a systemd of its own (tests/lib/machine.sh), SUITE being Debian's (bookworm), on which nothing that the package needs is
# installed. What apt would download is there already: a mirror's speed is nobody's figure. Five starts, the first of which makes the
# cloud; then the proportional set size of cloudbox and libvirt, a minute later. The goals are a second and 150 MiB, of a release.
# LOG=1 prints the machine's journal, for who wants to know where the time went.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/check.sh
. tests/lib/machine.sh
. tests/packages/host.sh

deb=$(realpath "${1:?usage: $0 FILE.deb [SUITE]}")
tests/guest/build.sh build/guest.qcow2 || exit 1
[ "$(id -u)" = 0 ] || exec sudo --preserve-env=SETTLE,LOG "$0" "$@"
work=$(mktemp -d "$PWD/build/measure.XXXXXX")
trap 'machine_off; rm -rf "$work" "$check_output"' EXIT
chmod 711 "$work"
fresh_machine "${2:-bookworm}" "$work/root" "$deb" || exit 1
from_package_to_guest
[ "$check_failed" = 0 ] || exit 1
times=
for _ in 1 2 3 4; do
    on_machine systemctl restart cloudbox
    times+=" $(ready_ms)"
done
echo "the service was ready after $first_ready ms where it made the cloud, then (with a guest that runs) after$times ms"
sleep "${SETTLE:-60}"
echo "memory of cloudbox and libvirt, without guests: $(machine_memory) MiB"
[ -z "${LOG:-}" ] || on_machine journalctl -o short-monotonic --no-pager
