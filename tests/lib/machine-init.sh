#!/bin/bash
# The first process of a machine (tests/lib/machine.sh), in its namespaces: lays out what systemd expects of the host, and
# becomes systemd. D is the machine's root.
set -e

mount --bind "$D" "$D"
cd "$D"
mkdir -p proc sys dev run tmp lib/modules mnt
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp

# Of the kernel's parameters those of the network alone are the machine's own.
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,ro proc/sys
[ ! -e proc/sysrq-trigger ] || mount -o bind,ro proc/sysrq-trigger proc/sysrq-trigger

mount -t sysfs sysfs sys

mount -t cgroup2 cgroup2 sys/fs/cgroup

# Devices that do no harm. No KVM: here it opens and does not work, and guests shall be emulated wherever this runs.
mount -t tmpfs -o mode=755,dev tmpfs dev
mkdir dev/pts dev/shm dev/net
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
for device in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0" "net/tun 10 200"; do
    set -- $device
    mknod -m 666 "dev/$1" c "$2" "$3"
done
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s null dev/console

ip link set lo up
hostname machine
pivot_root . mnt
umount -l /mnt
exec env -i container=unshare PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --show-status=0
