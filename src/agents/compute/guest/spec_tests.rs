use bus::topics::compute_types::BlockDevice;
use kit::ids::{NetworkId, PortId};

use super::*;
use crate::guest::record::Base;
use crate::tests::world::{block_device, sample};

fn vif() -> Vif {
    Vif {
        port_id: PortId::new("p1"),
        network_id: NetworkId::new("n1"),
        label: "default".to_owned(),
        mac: "FA:16:3E:00:00:01".to_owned(),
        mtu: 1450,
        fixed_ips: Vec::new(),
        preserve_on_delete: false,
        device: Some("cbtap1".to_owned()),
        tag: None,
    }
}

fn server() -> Instance {
    let mut instance = sample(&"image-1".into());
    instance.id = "6f9f8ef4-6b5a-4a4a-9d6d-0d5c5d2b7a11".into();
    instance.instance_name = "instance-0000001e".to_owned();
    instance.config_drive = true;
    let volume_id = Some("0d2c3f5e-95ef-44c1-8c0a-5f8a1b8b9e21".into());
    let connection = ConnectionInfo::File {
        path: "/data/volumes/v1".into(),
        format: "qcow2".to_owned(),
        size_gb: 1,
        read_only: false,
    };
    instance.block_devices.push(BlockDevice { volume_id, connection: Some(connection), ..block_device(2) });
    instance
}

fn described(instance: &Instance, vifs: &[Vif], properties: &[(&str, &str)]) -> Result<DomainSpec, Fault> {
    let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let base = Some(Base { file: "ab.raw".to_owned(), format: DiskFormat::Raw });
    let volumes = connected(instance);
    let (record, paths) = (Record { properties, base }, Paths::new("/data".into()));
    domain(&Parts { instance, vifs, record: &record, volumes: &volumes, paths: &paths, cache: CacheMode::None })
}

#[test]
fn a_server_becomes_a_domain() {
    insta::assert_json_snapshot!(described(&server(), &[vif()], &[]).unwrap());
}

#[test]
fn an_images_hardware_properties_count() {
    let properties = [
        ("hw_machine_type", "pc"),
        ("hw_disk_bus", "scsi"),
        ("hw_vif_model", "e1000"),
        ("hw_qemu_guest_agent", "yes"),
        ("hw_video_model", "none"),
    ];
    let spec = described(&server(), &[vif()], &properties).unwrap();
    assert_eq!(spec.machine, hypervisor::Machine::Pc);
    assert_eq!(spec.interfaces[0].model, InterfaceModel::E1000);
    assert_eq!((spec.vnc, spec.agent_socket.is_some()), (None, true));
    assert_eq!(spec.disks[0].target, "sda");
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |properties: &[(&str, &str)]| described(&server(), &[vif()], properties).unwrap_err();
    for (name, value) in [("hw_machine_type", "virt"), ("hw_vif_model", "ne2k"), ("hw_disk_bus", "fdc")] {
        assert_eq!(refused(&[(name, value)]).kind(), kit::FaultKind::BadRequest, "{name}");
    }
    let unwired = Vif { device: None, ..vif() };
    assert!(described(&server(), &[unwired], &[]).is_err());
}

#[test]
fn a_volume_that_is_not_connected_is_left_out() {
    let mut instance = server();
    instance.block_devices[1].connection = None;
    let spec = described(&instance, &[], &[]).unwrap();
    assert!(spec.disks.iter().all(|disk| disk.serial.is_empty()));
}
