#!/bin/bash
# Makes the packages: packaging/build.sh BINARY [DIRECTORY]
#
#   DIRECTORY/cloudbox_VERSION-1_amd64.deb, DIRECTORY/cloudbox-VERSION-1.x86_64.rpm (dist when none is named)
#
#   VERSION=1.2.3   another version than Cargo.toml's
#   FORMATS=deb     one kind alone; "deb rpm" by default
#   STRIP=1         without the binary's symbols, where its profile has left them in
#   FAST=1          hardly compressed: for tests
#
# With Debian's own tools (`packaging/system-packages.sh packaging` installs them): docs/adr says why. The same source makes the
# same bytes: times are those of the last commit.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."

die() { echo "packages: $*" >&2; exit 1; }

binary=$(realpath "${1:?usage: $0 BINARY [DIRECTORY]}")
out=${2:-dist}
version=${VERSION:-$(awk -F '"' '/^\[workspace.package\]/ { here = 1 } here && /^version/ { print $2; exit }' Cargo.toml)}
[ -x "$binary" ] || die "$binary is no program: build it first, or let \`make packages\` do it"
[ -n "$version" ] || die "Cargo.toml names no version"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.toml)}
export SOURCE_DATE_EPOCH
maintainer='The cloudbox developers <cloudbox@users.noreply.github.com>'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

same_times() { find "$1" -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +; }

# What the binary needs of shared libraries, and in which versions, as Debian's own packages say.
shared_libraries() {
    mkdir -p "$work/shlibs/debian"
    printf 'Source: cloudbox\n\nPackage: cloudbox\nArchitecture: amd64\n' >"$work/shlibs/debian/control"
    (cd "$work/shlibs" && dpkg-shlibdeps -O --ignore-missing-info -e"$1" 2>"$work/shlibs/log" || { cat "$work/shlibs/log" >&2; false; }) |
        sed -n 's/^shlibs:Depends=//p'
}

# What DIRECTORY takes when it is installed, in KiB, as dpkg-gencontrol counts it: not in blocks of the file system here, which are
# another number as long as it has not written the files.
installed_size() {
    find "$1" -path "$1/DEBIAN" -prune -o -printf '%y %s\n' | awk '{ kib += $1 == "f" ? int(($2 + 1023) / 1024) : 1 } END { print kib }'
}

make_deb() {
    local tree=$work/deb doc=$work/deb/usr/share/doc/cloudbox file libraries
    packaging/stage.sh "$binary" "$tree" debian
    install -m 644 packaging/deb/copyright "$doc/copyright"
    rm "$doc/NOTICE"
    gzip -9n <CHANGELOG.md >"$doc/changelog.gz"
    printf 'cloudbox (%s-1) unstable; urgency=medium\n\n  * Version %s: changelog.gz says what is new.\n\n -- %s  %s\n' \
        "$version" "$version" "$maintainer" "$(date -R -u -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$doc/changelog.Debian.gz"
    install -D -m 644 packaging/deb/lintian-overrides "$tree/usr/share/lintian/overrides/cloudbox"

    mkdir -p "$tree/DEBIAN"
    for file in postinst prerm postrm; do install -m 755 "packaging/deb/$file" "$tree/DEBIAN/$file"; done
    echo /etc/cloudbox/cloudbox.toml >"$tree/DEBIAN/conffiles"
    (cd "$tree" && find . -path ./DEBIAN -prune -o -type f ! -path './etc/*' -printf '%P\n' | sort | xargs -d '\n' md5sum) >"$tree/DEBIAN/md5sums"
    libraries=$(shared_libraries "$tree/usr/bin/cloudbox")
    [ -n "$libraries" ] || die "dpkg-shlibdeps does not say what the binary needs"
    sed -e "s/@VERSION@/$version-1/" -e "s/@MAINTAINER@/$maintainer/" -e "s/@LIBRARIES@/$libraries/" \
        -e "s/@SIZE@/$(installed_size "$tree")/" packaging/deb/control >"$tree/DEBIAN/control"
    chmod 644 "$tree/DEBIAN"/{conffiles,md5sums,control}
    same_times "$tree"
    dpkg-deb --root-owner-group ${FAST:+-Zgzip -z1} --build "$tree" "$out/cloudbox_$version-1_amd64.deb" >/dev/null
    echo "$out/cloudbox_$version-1_amd64.deb"
}

make_rpm() {
    local tree=$work/rpm doc=$work/rpm/usr/share/doc/cloudbox
    packaging/stage.sh "$binary" "$tree" fedora
    install -m 644 CHANGELOG.md "$doc/CHANGELOG.md"
    install -D -m 644 LICENSE "$tree/usr/share/licenses/cloudbox/LICENSE"
    install -m 644 packaging/licences/LGPL-2.1.txt "$tree/usr/share/licenses/cloudbox/LGPL-2.1.txt"
    mv "$doc/NOTICE" "$tree/usr/share/licenses/cloudbox/NOTICE"
    same_times "$tree"
    rpmbuild -bb --quiet --target x86_64-linux --define "_topdir $work/rpmbuild" --define "tree $tree" --define "version_of $version" \
        --define "changelog_date $(date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %d %Y')" --define "maintainer $maintainer" \
        --define "_binary_payload $([ -n "${FAST:-}" ] && echo w1.gzdio || echo w19.zstdio)" \
        --define 'use_source_date_epoch_as_buildtime 1' --define '_buildhost cloudbox' packaging/rpm/cloudbox.spec >"$work/rpm.log" 2>&1 ||
        { cat "$work/rpm.log" >&2; die "rpmbuild failed"; }
    cp "$work/rpmbuild/RPMS/x86_64/cloudbox-$version-1.x86_64.rpm" "$out/"
    echo "$out/cloudbox-$version-1.x86_64.rpm"
}

for format in ${FORMATS:-deb rpm}; do "make_$format"; done
