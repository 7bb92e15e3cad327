#!/bin/bash
# How long the installed service takes to be ready, and how much memory everything but guests has:
#
#   tests/packages/measure.sh FILE.deb [SUITE]
#
# On a machine with a systemd of its own (tests/lib/machine.sh), SUITE being Debian's (bookworm). Five starts, the first of which makes
# the cloud; then the proportional set size of cloudbox and libvirt, a minute later. The goal is a second and 150 MiB, of a release.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/check.sh
. tests/lib/machine.sh
. tests/packages/life.sh

deb=$(realpath "${1:?usage: $0 FILE.deb [SUITE]}")
suite=${2:-bookworm}
[ "$(id -u)" = 0 ] || exec sudo "$0" "$@"
mkdir -p build
work=$(mktemp -d "$PWD/build/measure.XXXXXX")
trap 'machine_off; rm -rf "$work" "$check_output"' EXIT
chmod 711 "$work"
machine_root "$suite" "$work/root"
install -m 644 "$deb" "$work/root/opt/cloudbox.deb"
chrooted "$work/root" apt-get "${apt_options[@]}" update
chrooted "$work/root" apt-get "${apt_options[@]}" install /opt/cloudbox.deb >/dev/null
machine_start "$work/root"
times=$(ready_ms)
for _ in 1 2 3 4; do
    on_machine systemctl restart cloudbox
    times+=" $(ready_ms)"
done
sleep "${SETTLE:-60}"
echo "ready after $times ms (the first made the cloud)"
echo "memory of cloudbox and libvirt, no guests: $(machine_memory) MiB"
