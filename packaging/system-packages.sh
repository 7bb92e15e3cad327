#!/bin/bash
# The Debian packages that cloudbox needs: the one list, for the demo, the tests and CI alike.
#
#   packaging/system-packages.sh            install what is missing (as root, or with sudo)
#   packaging/system-packages.sh packaging  … and what making and checking packages of cloudbox takes besides
#   packaging/system-packages.sh --list     print the list
#   packaging/system-packages.sh --check    say what is missing; exit status 1 if anything is
#
# Debian 12 and 13. On Debian 12 libvirt and QEMU come from bookworm-backports, the versions that Debian 13 has:
# bookworm's own conflict with a newer qemu-utils. Where bookworm's own are installed already, they stay.
set -euo pipefail
export LC_ALL=C

build="gcc libc6-dev make"
hypervisor="libvirt0 libvirt-daemon-driver-qemu qemu-system-x86 qemu-utils"
network="nftables dnsmasq-base iproute2 conntrack kmod procps"
# The guest images (mtools … mmdebstrap), and what the tests talk to them with.
test="mtools syslinux syslinux-common fdisk e2fsprogs xz-utils mmdebstrap genisoimage openssh-client jq curl gnupg gpgv python3 python3-venv pebble"

# dpkg-shlibdeps, rpmbuild, and the critics of both kinds of packages; systemd-analyze reads units.
packaging="dpkg-dev rpm lintian rpmlint systemd"

backports_file=/etc/apt/sources.list.d/cloudbox-backports.list

say() { echo "system packages: $*"; }
die() { echo "system packages: $*" >&2; exit 1; }

missing() {
    local installed
    installed=" $(dpkg-query -W -f '${binary:Package} ${db:Status-Abbrev}\n' 2>/dev/null | awk '$2 == "ii" { sub(/:.*/, "", $1); printf "%s ", $1 }')"
    for package in "$@"; do
        case $installed in *" $package "*) ;; *) echo "$package" ;; esac
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        command -v sudo >/dev/null || die "not root, and no sudo: run this as root"
        sudo "$@"
    fi
}

update() {
    say "reading the package lists"
    # A third party's source that cannot be reached must not stop us; what is really missing shows at the install.
    as_root apt-get -qq update || say "some package lists could not be read"
}

# install [APT-OPTION...] PACKAGE...: quiet, unless it fails.
install() {
    local log
    log=$(mktemp)
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 install "$@" >"$log" 2>&1; then
        failure=$(tail -20 "$log")
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

install_or_update() {
    if ! install "$@"; then
        update
        install "$@" || { echo "$failure" >&2; die "apt-get could not install: $*"; }
    fi
}

# Backports are wanted for the hypervisor on Debian 12, unless bookworm's own libvirt or QEMU is there.
wants_backports() {
    [ "$codename" = bookworm ] || return 1
    local version
    for package in libvirt0 qemu-system-x86; do
        version=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null) || continue
        case $version in "" | *~bpo*) ;; *) return 1 ;; esac
    done
}

# The suite, at the mirror that this machine already uses for its release.
add_backports() {
    local suite=$codename-backports mirror key=
    apt-get indextargets --format '$(RELEASE)' 2>/dev/null | grep -qx "$suite" && return
    mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | awk -v suite="$codename" '$1 == suite { print $2; exit }')
    if [ -z "$mirror" ]; then
        update
        mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | awk -v suite="$codename" '$1 == suite { print $2; exit }')
    fi
    [ -n "$mirror" ] || die "no package source of $codename found to take $suite from"
    [ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ] || key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] '
    say "adding $suite ($backports_file)"
    echo "deb $key$mirror $suite main" | as_root tee "$backports_file" >/dev/null
    update
}

packages="$build $hypervisor $network $test"
case ${1:-} in
packaging) packages="$packages $packaging" ;;
--list) printf '%s\n' $packages; exit ;;
esac

command -v dpkg-query >/dev/null || die "this is no Debian: install the equivalents of: $packages"
wanted=$(missing $packages)
[ -n "$wanted" ] || exit 0
[ "${1:-}" != --check ] || { say "missing:" $wanted; exit 1; }

codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
say "installing" $wanted
# libvirt's packages only go together: one transaction for all of them.
family=$(missing $hypervisor)
if [ -n "$family" ] && wants_backports; then
    add_backports
    install_or_update -t "$codename-backports" $family
    wanted=$(missing $packages)
fi
[ -z "$wanted" ] || install_or_update $wanted
say "done"
