use proptest::prelude::*;

use super::*;
use crate::tests::world::{block_device, sample};

fn lines(places: &[Place]) -> String {
    let line = |place: &Place| {
        let boot = place.boot_order.map_or("-".to_owned(), |order| order.to_string());
        format!("{} {} boot {boot} cdrom {} {:?}", place.target, place.bus.as_str(), place.cdrom, place.content)
    };
    places.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn rich() -> Instance {
    let mut instance = sample(&"i".into());
    instance.flavor.ephemeral_gb = 2;
    instance.flavor.swap_mb = 512;
    let local = BlockDevice { source: BlockSource::Blank, destination: BlockDestination::Local, ..block_device(0) };
    let swap = BlockDevice { id: 2, guest_format: Some("swap".to_owned()), ..local.clone() };
    let ephemeral = BlockDevice { id: 3, size_gb: None, ..local };
    let cdrom = BlockDevice { device_type: Some("cdrom".to_owned()), boot_index: Some(2), ..block_device(5) };
    let second = BlockDevice { boot_index: Some(1), device_name: Some("/dev/vdf".to_owned()), ..block_device(4) };
    instance.block_devices.extend([swap, cdrom, second, ephemeral]);
    instance.config_drive = true;
    instance
}

#[test]
fn disks_have_novas_order() {
    insta::assert_snapshot!(lines(&layout(&rich(), &BTreeMap::new()).unwrap()), @r"
    vda virtio boot 1 cdrom false Root
    vdb virtio boot - cdrom false Ephemeral { index: 0, size_gb: 2 }
    vdc virtio boot - cdrom false Swap { size_mb: 512 }
    sda sata boot 3 cdrom true Volume
    vdf virtio boot 2 cdrom false Volume
    vdz virtio boot - cdrom false ConfigDrive
    ");
}

#[test]
fn an_image_names_the_bus_and_a_mapping_overrules_it() {
    let mut instance = rich();
    instance.block_devices[0].disk_bus = Some("virtio".to_owned());
    let properties = BTreeMap::from([
        ("hw_disk_bus".to_owned(), "scsi".to_owned()),
        ("hw_cdrom_bus".to_owned(), "ide".to_owned()),
        ("hw_machine_type".to_owned(), "pc".to_owned()),
    ]);
    insta::assert_snapshot!(lines(&layout(&instance, &properties).unwrap()), @r"
    vda virtio boot 1 cdrom false Root
    sda scsi boot - cdrom false Ephemeral { index: 0, size_gb: 2 }
    sdb scsi boot - cdrom false Swap { size_mb: 512 }
    hda ide boot 3 cdrom true Volume
    vdf virtio boot 2 cdrom false Volume
    hdb ide boot - cdrom true ConfigDrive
    ");
    let unknown = BTreeMap::from([("hw_disk_bus".to_owned(), "fdc".to_owned())]);
    assert!(layout(&instance, &unknown).is_err());
}

proptest! {
    #[test]
    fn names_are_unique_and_fit_their_bus(
        devices in prop::collection::vec((0..4_usize, prop::option::of("/dev/(vd|sd|hd|xvd)[a-d]"), any::<bool>()), 0..12)
    ) {
        let mut instance = sample(&"i".into());
        for (id, (kind, device_name, cdrom)) in (10..).zip(devices) {
            let destination = if kind < 2 { BlockDestination::Local } else { BlockDestination::Volume };
            let source = if kind < 2 { BlockSource::Blank } else { BlockSource::Volume };
            let device_type = cdrom.then(|| "cdrom".to_owned());
            instance.block_devices.push(BlockDevice { source, destination, device_name, device_type, ..block_device(id) });
        }
        let places = layout(&instance, &BTreeMap::new()).unwrap();
        let names: BTreeSet<&str> = places.iter().map(|place| place.target.as_str()).collect();
        prop_assert_eq!(names.len(), instance.block_devices.len());
        prop_assert_eq!(layout(&instance, &BTreeMap::new()).unwrap(), places.clone());
        for place in places {
            prop_assert!(place.target.starts_with(place.bus.prefix()), "{:?}", place);
        }
    }
}
