# Sourced by the recipes beside it: the disk of a guest. An MBR, a FAT partition with syslinux, kernel and initramfs,
# and an ext4 partition made by the recipe. Nothing is mounted, nobody needs to be root.
# Expects $work, a directory of the recipe's own.

say() { echo "guest: $*" >&2; }
die() { say "$*"; exit 1; }

need() {
    local tool
    for tool in mformat mcopy syslinux sfdisk mke2fs qemu-img "$@"; do
        command -v "$tool" >/dev/null || die "no $tool here: run packaging/system-packages.sh"
    done
}

# make_disk BOOT_MIB KERNEL INITRD PARAMETERS: $work/disk.qcow2 with $work/root.img as its second partition.
# The last console is /dev/console: the serial port, which is what a console log shows.
make_disk() {
    local boot_mib=$1 root_mib
    root_mib=$(($(stat -c %s "$work/root.img") / 1048576))
    truncate -s "${boot_mib}M" "$work/boot.img"
    cat >"$work/syslinux.cfg" <<-EOF
	DEFAULT linux
	PROMPT 0
	TIMEOUT 0
	LABEL linux
	  KERNEL vmlinuz
	  APPEND initrd=initrd console=tty0 console=ttyS0,115200 $4
	EOF
    mformat -i "$work/boot.img" -v BOOT -N 0cb00001 ::
    mcopy -i "$work/boot.img" "$2" ::vmlinuz
    mcopy -i "$work/boot.img" "$3" ::initrd
    mcopy -i "$work/boot.img" "$work/syslinux.cfg" ::
    syslinux --install "$work/boot.img"

    truncate -s $((1 + boot_mib + root_mib + 3))M "$work/disk.img"
    sfdisk -q "$work/disk.img" <<-EOF
	label: dos
	label-id: 0x0cb00001
	start=1MiB, size=${boot_mib}MiB, type=c, bootable
	start=$((1 + boot_mib))MiB, size=${root_mib}MiB, type=83
	EOF
    dd if=/usr/lib/syslinux/mbr/mbr.bin of="$work/disk.img" bs=440 count=1 conv=notrunc status=none
    dd if="$work/boot.img" of="$work/disk.img" bs=1M seek=1 conv=notrunc,sparse status=none
    dd if="$work/root.img" of="$work/disk.img" bs=1M seek=$((1 + boot_mib)) conv=notrunc,sparse status=none
    qemu-img convert -q -c -m 1 -f raw -O qcow2 "$work/disk.img" "$work/disk.qcow2"
}
