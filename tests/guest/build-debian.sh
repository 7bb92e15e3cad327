#!/bin/bash
# Builds a Debian guest with real cloud-init, for the slower tests: tests/guest/build-debian.sh OUT.qcow2
#
# The release that this machine runs, by mmdebstrap out of this machine's own package sources; cloud kernel, systemd,
# OpenSSH, cloud-init with the config drive and the metadata service. User debian with the instance's key.
# As root or, where user namespaces are allowed and /etc/subuid names the user, without. 512 MB of RAM to run;
# 2 GiB of disk. Kept in build/guest for a week, or until this file changes.
set -euo pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin

here=$(cd "$(dirname "$0")" && pwd)
. "$here/disk.sh"
out=${1:?usage: $0 OUT.qcow2}
cache=${CLOUDBOX_BUILD_DIR:-$here/../../build}/guest
root_mib=1980
packages=linux-image-cloud-amd64,systemd-sysv,systemd-resolved,udev,dbus,openssh-server,cloud-init,sudo,iproute2,curl,ca-certificates,e2fsprogs,less,iputils-ping

need mmdebstrap apt-get
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

# This machine's own sources of that release (with updates and security), whatever mirror they are at.
sources() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(ORIGIN)' 'Created-By: Packages' |
        awk -v suite="$suite" '$3 == "Debian" && index($2, suite) == 1 && $2 !~ /backports/ { print "deb", $1, $2, "main" }' | sort -u
}

# Inside mmdebstrap's tree, given as $1: what cloud-init needs to know, then the file system made of it.
write_hooks() {
    cat >"$work/early" <<-'EOF'
	#!/bin/sh
	mkdir -p "$1/etc/initramfs-tools/conf.d"
	printf 'MODULES=list\nCOMPRESS=gzip\nRESUME=none\n' >"$1/etc/initramfs-tools/conf.d/cloudbox"
	EOF
    cat >"$work/customize" <<-'EOF'
	#!/bin/sh
	set -e
	printf '%s\n' virtio_pci virtio_blk virtio_scsi virtio_net sd_mod ata_piix isofs >>"$1/etc/initramfs-tools/modules"
	chroot "$1" update-initramfs -u
	cat >"$1/etc/cloud/cloud.cfg.d/95_cloudbox.cfg" <<-'END'
	datasource_list: [ConfigDrive, OpenStack, None]
	datasource:
	  OpenStack:
	    max_wait: 60
	    timeout: 5
	system_info:
	  network:
	    renderers: [networkd]
	# Host keys that are fast to make without a hardware CPU.
	ssh_genkeytypes: [ed25519, ecdsa]
	locale: C.UTF-8
	apt:
	  preserve_sources_list: true
	package_update: false
	END
	echo '/dev/vda2 / ext4 defaults 0 1' >"$1/etc/fstab"
	echo debian >"$1/etc/hostname"
	: >"$1/etc/machine-id"
	rm -f "$1"/etc/ssh/ssh_host_* "$1"/var/lib/systemd/random-seed
	chroot "$1" systemctl enable systemd-networkd.service systemd-resolved.service serial-getty@ttyS0.service
	chroot "$1" systemctl mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer \
	    e2scrub_reap.service man-db.timer dpkg-db-backup.timer
	ln -sf ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"
	EOF
    cat >"$work/pack" <<-EOF
	#!/bin/sh
	set -e
	cp "\$1"/boot/vmlinuz-* "$work/vmlinuz"
	cp "\$1"/boot/initrd.img-* "$work/initrd"
	# Bound elsewhere, the tree shows itself without the /proc, /sys and /dev that are mounted in it just now.
	mkdir "$work/tree"
	mount --bind "\$1" "$work/tree"
	mke2fs -q -F -t ext4 -L cloudbox-root -O ^orphan_file,^metadata_csum_seed -m 1 -d "$work/tree" "$work/root.img" ${root_mib}M >/dev/null
	umount "$work/tree"
	EOF
    chmod 755 "$work/early" "$work/customize" "$work/pack"
}

inputs=$(cat "$0" "$here/disk.sh" /etc/os-release | sha256sum | cut -c1-16)
image=$cache/debian-$inputs.qcow2
mkdir -p "$cache" "$(dirname "$out")"
if [ -z "$(find "$image" -mtime -7 2>/dev/null)" ]; then
    say "building Debian $suite with cloud-init (a few minutes)"
    work=$(mktemp -d "$cache/build.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    # Without root the tree belongs to a range of other users, who have to reach this directory.
    chmod 777 "$work"
    sources >"$work/sources.list"
    [ -s "$work/sources.list" ] || die "no package source of Debian $suite here"
    write_hooks
    mmdebstrap --quiet --variant=minbase --format=null --include="$packages" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='APT::Install-Recommends "false"' \
        --essential-hook="$work/early" --customize-hook="$work/customize" --customize-hook="$work/pack" \
        "$suite" - "$work/sources.list" >"$work/log" 2>&1 || { tail -30 "$work/log" >&2; die "mmdebstrap failed"; }
    make_disk 64 "$work/vmlinuz" "$work/initrd" "root=/dev/vda2 rw net.ifnames=0 no_timer_check"
    rm -f "$cache"/debian-*.qcow2
    mv "$work/disk.qcow2" "$image"
fi
cp --reflink=auto "$image" "$out.new" && mv "$out.new" "$out"
say "$out: $(($(stat -c %s "$out") / 1048576)) MiB"
