//! The XML as text: a change of it is a change of every guest, and has to be seen.

use kit::ids::ServerId;

use super::*;
use crate::spec::{Backing, CacheMode, Console, DiskFormat, Metadata};

fn spec() -> DomainSpec {
    let mut root = Disk::new("/data/instances/1/disk", DiskFormat::Qcow2, DiskBus::Virtio, "vda");
    root.backing = Some(Backing { path: "/data/cache/ab".into(), format: DiskFormat::Raw });
    root.boot_order = Some(1);
    let mut volume = Disk::new("/dev/loop7", DiskFormat::Raw, DiskBus::Scsi, "sda");
    volume.serial = "8f4a6c1e-0a55-4a3c-9b53-2f0c8f3f6c10".to_owned();
    volume.cache = CacheMode::Writeback;
    let mut config_drive = Disk::new("/data/instances/1/config", DiskFormat::Raw, DiskBus::Sata, "sdb");
    config_drive.cdrom = true;
    DomainSpec {
        server_id: ServerId::new("6a1c3a52-7a3e-4c7e-9a55-0f7a4a1f5b11"),
        name: "instance-0000001e".to_owned(),
        metadata: Metadata {
            display_name: "<b>'web' & \"db\"".to_owned(),
            flavor_name: "m1.tiny".to_owned(),
            project_id: "p".to_owned(),
            user_id: "u".to_owned(),
            image_id: "i".to_owned(),
        },
        vcpus: 2,
        memory_mb: 512,
        machine: Machine::Q35,
        disks: vec![root, volume, config_drive],
        interfaces: vec![Interface {
            tap: "tap0a1b2c3d-4e".to_owned(),
            mac: "fa:16:3e:aa:bb:cc".to_owned(),
            mtu: 1450,
            model: InterfaceModel::Virtio,
        }],
        console: Console { log: "/data/instances/1/console.log".into(), socket: "/data/run/1.serial".into() },
        vnc: Some(Vnc::Unix("/data/run/1.vnc".into())),
        agent_socket: Some("/data/run/1.agent".into()),
        rng: true,
    }
}

/// Without what changes from release to release.
fn rendered(spec: &DomainSpec) -> String {
    render(spec, VirtType::Qemu, "cloud-1").replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn an_emulated_guest() {
    insta::assert_snapshot!(rendered(&spec()));
}

#[test]
fn a_guest_on_kvm_differs_in_its_processor_and_its_ports() {
    let (emulated, kvm) = (render(&spec(), VirtType::Qemu, "o"), render(&spec(), VirtType::Kvm, "o"));
    let ports = |xml: &str| xml.matches("pcie-root-port").count();
    assert_eq!(ports(&kvm), ports(&emulated) + 10);
    let other = |line: &&str| !line.contains("pcie-root-port");
    let changed: Vec<_> =
        emulated.lines().filter(other).zip(kvm.lines().filter(other)).filter(|(a, b)| a != b).collect();
    assert_eq!(
        changed,
        [
            ("<domain type='qemu'>", "<domain type='kvm'>"),
            ("  <cpu mode='maximum'>", "  <cpu mode='host-passthrough'>"),
        ]
    );
}

#[test]
fn an_old_machine_without_display_or_extras() {
    let mut spec = spec();
    spec.machine = Machine::Pc;
    spec.vnc = None;
    spec.agent_socket = None;
    spec.rng = false;
    spec.disks.truncate(1);
    spec.interfaces.clear();
    spec.metadata = Metadata::default();
    insta::assert_snapshot!(rendered(&spec));
}

#[test]
fn a_display_on_loopback() {
    let mut spec = spec();
    spec.vnc = Some(Vnc::Loopback);
    let xml = render(&spec, VirtType::Qemu, "o");
    assert!(xml.contains("<graphics type='vnc' autoport='yes'>\n      <listen type='address' address='127.0.0.1'/>"));
}

#[test]
fn devices_alone() {
    let spec = spec();
    let devices: Vec<String> = spec.disks.iter().map(disk).chain(spec.interfaces.iter().map(interface)).collect();
    insta::assert_snapshot!(devices.concat());
}

#[test]
fn what_is_written_can_be_read() {
    let spec = spec();
    let read = crate::libvirt::xml::read::Domain::parse(&render(&spec, VirtType::Qemu, "o")).unwrap();
    let disks: Vec<_> = read.disks().map(|disk| (disk.target, disk.serial, disk.path)).collect();
    let wanted: Vec<_> =
        spec.disks.iter().map(|disk| (disk.target.clone(), disk.serial.clone(), disk.path.clone())).collect();
    assert_eq!(disks, wanted);
    assert_eq!(read.console_log(), Some(spec.console.log));
}
