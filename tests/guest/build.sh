#!/bin/bash
# Builds the small guest of the tests: tests/guest/build.sh OUT.qcow2
#
# Debian's cloud kernel, busybox, dropbear and a few real tools (bash, curl, util-linux, e2fsprogs, jq) on an ext4
# root; rootfs/ beside this file is laid over it. Without root, without the network beyond the package manager, from
# the release that this machine runs. User cirros (an alias of uid 0), password gocubsgo, or the instance's key.
#
# An image is kept in build/guest under the hash of all that goes into it, so that a second call costs a second.
set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: $0 OUT.qcow2}
cache=${CLOUDBOX_BUILD_DIR:-$here/../../build}/guest

root_mib=212
packages="busybox-static dropbear-bin bash curl ca-certificates util-linux e2fsprogs netcat-traditional jq iproute2 openssh-sftp-server"
binaries="bin/bash usr/sbin/dropbear usr/bin/dropbearkey usr/bin/curl usr/bin/jq bin/nc.traditional
    bin/ip bin/lsblk sbin/blkid sbin/findfs sbin/mkfs sbin/mke2fs sbin/resize2fs sbin/e2fsck usr/lib/openssh/sftp-server"
# Drivers and file systems of a guest; what they need comes with them.
modules="virtio_pci virtio_blk virtio_net virtio_scsi virtio_rng virtio_balloon virtio_console virtio_input
    sd_mod sr_mod ata_piix ata_generic ahci button evdev isofs vfat nls_cp437 nls_ascii nls_iso8859-1 nls_utf8
    8021q bonding xfs loop e1000 e1000e 8139cp"
. "$here/disk.sh"

# As if nothing were installed or downloaded: the whole closure of dependencies, whatever this machine already has.
apt() {
    apt-get -q -o Dir::State::status=/dev/null -o "Dir::Cache::archives=$(realpath "$cache")/apt" -o APT::Install-Recommends=0 -o Debug::NoLocking=1 \
        -o APT::Sandbox::User=root "$@"
}

resolve_packages() {
    kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image-/ { print $2; exit }')
    [ -n "$kernel" ] || die "apt knows no linux-image-cloud-amd64: run packaging/system-packages.sh first"
    # Lines of: URI file size hash. Of the kernel's own dependencies (initramfs-tools, kmod) nothing is wanted.
    closure=$(apt -qq --print-uris install $packages | awk '{ print $2, $4 }')
    kernel_file=$(apt -qq --print-uris install "$kernel" | awk -v name="${kernel}_" 'index($2, name) == 1 { print $2, $4 }')
    [ -n "$closure" ] && [ -n "$kernel_file" ] || die "apt cannot resolve the guest's packages"
}

fetch_packages() {
    mkdir -p "$work/debs"
    local names
    names=$(printf '%s\n' "$closure" "$kernel_file" | cut -d_ -f1 | grep -vxE 'debconf|base-files|gcc-[0-9]+-base')
    (cd "$work/debs" && apt -qq download $names >/dev/null)
    for deb in "$work"/debs/*.deb; do
        dpkg -x "$deb" "$work/stage"
    done
}

# The tree is merged (/bin is usr/bin); what Debian 12 still ships outside of /usr is looked up in both places.
staged() {
    for candidate in "$work/stage/$1" "$work/stage/usr/$1" "$work/stage/${1#usr/}"; do
        [ -e "$candidate" ] && echo "$candidate" && return
    done
    die "no $1 in the packages"
}

make_tree() {
    local root=$work/root
    mkdir -p "$root"/{dev,proc,sys,run,tmp,mnt,media,root,home/cirros,etc/dropbear,etc/acpi,var/lib/cloud,var/log,var/tmp,opt} \
        "$root"/usr/{bin,sbin,lib/x86_64-linux-gnu,lib/openssh,lib64,share,libexec,local/bin}
    for link in bin sbin lib lib64; do ln -s usr/$link "$root/$link"; done
    ln -s ../run "$root/var/run"
    install -m 755 "$busybox" "$root/usr/bin/busybox"
    for applet in $("$busybox" --list); do
        ln -s busybox "$root/usr/bin/$applet" 2>/dev/null || true
    done
    copy_binaries
    mkdir -p "$root/etc/ssl/certs"
    find "$work/stage/usr/share/ca-certificates" -name '*.crt' | sort | xargs cat >"$root/etc/ssl/certs/ca-certificates.crt"
    write_accounts
    cp -r --remove-destination "$here/rootfs/." "$root/"
    # Everything can be found in sbin too, by those who spell it out (/sbin/modprobe).
    for path in "$root"/usr/bin/*; do
        ln -s "../bin/${path##*/}" "$root/usr/sbin/${path##*/}" 2>/dev/null || true
    done
    chmod 755 "$root"/etc/rc "$root"/etc/rc.shutdown "$root"/etc/acpi/PWRF/* "$root"/usr/bin/{sudo,nc} \
        "$root"/usr/lib/cloudbox-guest/{dhcp-event,user-data}
    chmod 700 "$root/root" "$root/home/cirros"
    chmod 1777 "$root/tmp" "$root/var/tmp"
}

copy_binaries() {
    local binary target libraries
    for binary in $binaries; do
        case $binary in
        *lib/openssh/*) target=usr/lib/openssh ;;
        *sbin/*) target=usr/sbin ;;
        *) target=usr/bin ;;
        esac
        rm -f "$root/usr/bin/${binary##*/}" "$root/usr/sbin/${binary##*/}"
        install -m 755 "$(staged "$binary")" "$root/$target/"
    done
    # Debian's busybox sh prefers its own applets to what is in the PATH, and so would hide the real tools.
    ln -sf bash "$root/usr/bin/sh"
    for name in ext2 ext3 ext4; do ln -sf mke2fs "$root/usr/sbin/mkfs.$name"; done
    ln -s openssh/sftp-server "$root/usr/lib/sftp-server"
    # The libraries that these ask for, by the packages' own loader.
    local loader=$work/stage/usr/lib64/ld-linux-x86-64.so.2
    [ -e "$loader" ] || loader=$work/stage/lib64/ld-linux-x86-64.so.2
    [ -e "$loader" ] || loader=$(find "$work/stage" -name 'ld-linux-x86-64.so.2' -type f | head -1)
    local paths=$work/stage/lib/x86_64-linux-gnu:$work/stage/usr/lib/x86_64-linux-gnu
    libraries=$(for binary in $binaries; do
        "$loader" --library-path "$paths" --list "$(staged "$binary")"
    done | awk -v stage="$work/stage" 'index($3, stage) == 1 { print $3 }' | sort -u)
    [ -n "$libraries" ] || die "no libraries found for the binaries"
    cp -L $libraries "$root/usr/lib/x86_64-linux-gnu/"
    install -m 755 "$loader" "$root/usr/lib64/ld-linux-x86-64.so.2"
}

write_accounts() {
    cat >"$root/etc/passwd" <<-'EOF'
	root:x:0:0:root:/root:/bin/bash
	cirros:x:0:0:cirros:/home/cirros:/bin/bash
	nobody:x:65534:65534:nobody:/nonexistent:/bin/false
	EOF
    # "gocubsgo", as everyone expects of an image with this user. A test image: never give it to anyone.
    cat >"$root/etc/shadow" <<-'EOF'
	root:*:19000:0:99999:7:::
	cirros:$5$rounds=1000$cloudbox$OnOhtunxYhbRKilaDqDuT2.OcY5/5cljQfADQ656lfD:19000:0:99999:7:::
	nobody:*:19000:0:99999:7:::
	EOF
    chmod 600 "$root/etc/shadow"
    printf 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' >"$root/etc/group"
    printf '/bin/sh\n/bin/bash\n' >"$root/etc/shells"
    echo cloudbox-guest >"$root/etc/hostname"
    echo '127.0.0.1 localhost' >"$root/etc/hosts"
    echo 'cloudbox test guest' >"$root/etc/issue"
    printf 'export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPS1='\''\\u@\\h:\\w\\$ '\''\n' >"$root/etc/profile"
    cat >"$root/etc/os-release" <<-EOF
	NAME="cloudbox test guest"
	ID=cloudbox-guest
	PRETTY_NAME="cloudbox test guest (Debian packages)"
	EOF
}

# copy_modules FROM TO NAME...: the modules and what they depend on, unpacked, with depmod's files.
copy_modules() {
    local from=$1 to=$2 name file
    shift 2
    mkdir -p "$to/lib/modules/$release"
    cp "$from"/modules.{order,builtin,builtin.modinfo} "$to/lib/modules/$release/"
    for name in "$@"; do
        # busybox's dep file: "path: path path", all it takes.
        for file in $(awk -v want="/${name}.ko" -v alt="/${name//_/-}.ko" \
            '{ path = $1; sub(/:$/, "", path) }
             substr(path, length(path) - length(want) + 1) == want || substr(path, length(path) - length(alt) + 1) == alt {
                 sub(/:/, ""); print; exit }' "$from/modules.dep"); do
            mkdir -p "$to/lib/modules/$release/$(dirname "$file")"
            cp "$from/$file" "$to/lib/modules/$release/$file"
        done
    done
    "$busybox" depmod -b "$to" "$release"
}

make_modules() {
    local all
    all=$(echo "$work"/stage/lib/modules/* "$work"/stage/usr/lib/modules/* | tr ' ' '\n' | grep -v '\*' | head -1)
    release=${all##*/}
    find "$all" -name '*.ko.xz' -exec xz -d {} +
    "$busybox" depmod -b "${all%/lib/modules/*}" "$release"
    copy_modules "$all" "$root" $modules
    mkdir -p "$work"/initramfs/{bin,dev,proc,sys,root}
    copy_modules "$all" "$work/initramfs" virtio_pci virtio_blk virtio_scsi sd_mod ata_piix ahci
}

make_initramfs() {
    local tree=$work/initramfs
    install -m 755 "$busybox" "$tree/bin/busybox"
    for applet in sh mount modprobe findfs find cat sort xargs sleep poweroff switch_root mkdir; do
        ln -s busybox "$tree/bin/$applet"
    done
    install -m 755 "$here/initramfs-init" "$tree/init"
    find "$tree" -exec touch -h -d @0 {} +
    (cd "$tree" && find . | sort | "$busybox" cpio -o -H newc -R 0:0 2>/dev/null | gzip -9n) >"$work/initrd"
}

make_root_partition() {
    find "$root" -exec touch -h -d @0 {} +
    mke2fs -q -F -t ext4 -b 4096 -L cloudbox-root -U 0cb00000-0000-4000-8000-000000000001 \
        -E root_owner=0:0,hash_seed=0cb00000-0000-4000-8000-000000000002,lazy_itable_init=0 -O ^orphan_file,^metadata_csum_seed \
        -J size=4 -m 0 -N 8192 -d "$root" "$work/root.img" ${root_mib}M >/dev/null
    # Whoever builds it, everything in it belongs to root.
    if [ "$(id -u)" != 0 ]; then
        (cd "$root" && find . -mindepth 1 | sed 's|^\.\(.*\)|sif "\1" uid 0\nsif "\1" gid 0|') |
            debugfs -w -f - "$work/root.img" >/dev/null 2>&1
    fi
}

need apt-get dpkg xz
mkdir -p "$cache/apt/partial" "$(dirname "$out")"
resolve_packages
inputs=$( (echo "$closure $kernel_file"; cd "$here" && find rootfs build.sh disk.sh initramfs-init -type f | sort | xargs sha256sum) | sha256sum | cut -c1-16)
image=$cache/guest-$inputs.qcow2

if [ ! -s "$image" ]; then
    say "building (Debian packages, $kernel)"
    work=$(mktemp -d "$cache/build.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    root=$work/root
    mkdir "$work/stage"
    fetch_packages
    busybox=$(staged bin/busybox)
    make_tree
    make_modules
    make_initramfs
    make_root_partition
    make_disk 40 "$work"/stage/boot/vmlinuz-* "$work/initrd" "net.ifnames=0 no_timer_check i8042.noaux 8250.nr_uarts=2"
    rm -f "$cache"/guest-*.qcow2
    mv "$work/disk.qcow2" "$image"
fi
cp --reflink=auto "$image" "$out.new" && mv "$out.new" "$out"
say "$out: $(($(stat -c %s "$out") / 1048576)) MiB"
