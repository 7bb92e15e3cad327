//! From a [`DomainSpec`] to the domain XML that libvirt starts.
//!
//! Choices that are not in the spec, and why:
//! * **CPU**: `host-passthrough` on KVM. Under emulation `maximum`: a Debian cloud kernel comes up in 2.0 s with it
//!   and in 1.8 s with `qemu64`, but `qemu64` has no SSE4, without which RHEL 9 and its kin do not start.
//! * **PCIe root ports**: what is hot-plugged on q35 needs a free one, and libvirt keeps only one spare. Each costs
//!   the firmware about 30 ms under emulation: so few there, more on KVM.
//! * **No option ROM** on interfaces: nothing is booted from the network, and loading iPXE takes its time.
//! * **Firmware tables** say what Nova says: cloud-init finds its data source by `product`.
//! * **Two metadata elements**: Nova's, which monitoring reads, and our own, which says whose the domain is.

use std::path::Path;

use super::writer::Writer;
use crate::capabilities::VirtType;
use crate::spec::{Disk, DiskBus, DomainSpec, Interface, InterfaceModel, Machine, Vnc};

/// What the channel to a guest's agent is called.
pub const AGENT_CHANNEL: &str = "org.qemu.guest_agent.0";

/// The namespace of our own metadata element.
pub const OUR_NAMESPACE: &str = "urn:cloudbox:domain:1";

/// The namespace of Nova's metadata element.
const NOVA_NAMESPACE: &str = "http://openstack.org/xmlns/libvirt/nova/1.1";

/// How many disks and interfaces can be hot-plugged, at least.
const fn spare_ports(virt_type: VirtType) -> usize {
    match virt_type {
        VirtType::Kvm => 16,
        VirtType::Qemu | VirtType::Fake => 6,
    }
}

/// The domain that `spec` describes, belonging to `owner`.
#[must_use]
pub fn render(spec: &DomainSpec, virt_type: VirtType, owner: &str) -> String {
    let mut xml = Writer::default();
    xml.element("domain", &[("type", virt_type.as_str())], |xml| {
        xml.text("name", &[], &spec.name);
        xml.text("uuid", &[], spec.server_id.as_str());
        metadata(xml, spec, owner);
        xml.text("memory", &[("unit", "MiB")], &spec.memory_mb.to_string());
        xml.text("vcpu", &[], &spec.vcpus.to_string());
        firmware(xml, spec);
        processor(xml, spec, virt_type);
        lifecycle(xml);
        xml.element("devices", &[], |xml| devices(xml, spec, virt_type));
    });
    xml.finish()
}

fn metadata(xml: &mut Writer, spec: &DomainSpec, owner: &str) {
    let metadata = &spec.metadata;
    xml.element("metadata", &[], |xml| {
        let mark = [("xmlns:cloudbox", OUR_NAMESPACE), ("owner", owner), ("server", spec.server_id.as_str())];
        xml.empty("cloudbox:instance", &mark);
        xml.element("nova:instance", &[("xmlns:nova", NOVA_NAMESPACE)], |xml| {
            xml.empty("nova:package", &[("version", env!("CARGO_PKG_VERSION"))]);
            xml.text("nova:name", &[], &metadata.display_name);
            xml.element("nova:flavor", &[("name", &metadata.flavor_name)], |xml| {
                xml.text("nova:memory", &[], &spec.memory_mb.to_string());
                xml.text("nova:vcpus", &[], &spec.vcpus.to_string());
            });
            xml.element("nova:owner", &[], |xml| {
                xml.empty("nova:user", &[("uuid", &metadata.user_id)]);
                xml.empty("nova:project", &[("uuid", &metadata.project_id)]);
            });
            if !metadata.image_id.is_empty() {
                xml.empty("nova:root", &[("type", "image"), ("uuid", &metadata.image_id)]);
            }
        });
    });
}

fn firmware(xml: &mut Writer, spec: &DomainSpec) {
    xml.element("sysinfo", &[("type", "smbios")], |xml| {
        xml.element("system", &[], |xml| {
            xml.text("entry", &[("name", "manufacturer")], "OpenStack Foundation");
            xml.text("entry", &[("name", "product")], "OpenStack Nova");
            xml.text("entry", &[("name", "version")], env!("CARGO_PKG_VERSION"));
            xml.text("entry", &[("name", "serial")], spec.server_id.as_str());
            xml.text("entry", &[("name", "uuid")], spec.server_id.as_str());
            xml.text("entry", &[("name", "family")], "Virtual Machine");
        });
    });
    let machine = match spec.machine {
        Machine::Q35 => "q35",
        Machine::Pc => "pc",
    };
    xml.element("os", &[], |xml| {
        xml.text("type", &[("arch", "x86_64"), ("machine", machine)], "hvm");
        xml.empty("smbios", &[("mode", "sysinfo")]);
    });
    xml.element("features", &[], |xml| {
        xml.empty("acpi", &[]);
        xml.empty("apic", &[]);
    });
}

fn processor(xml: &mut Writer, spec: &DomainSpec, virt_type: VirtType) {
    let mode = if virt_type == VirtType::Kvm { "host-passthrough" } else { "maximum" };
    xml.element("cpu", &[("mode", mode)], |xml| {
        let sockets = spec.vcpus.to_string();
        xml.empty("topology", &[("sockets", &sockets), ("cores", "1"), ("threads", "1")]);
    });
    xml.element("clock", &[("offset", "utc")], |xml| {
        xml.empty("timer", &[("name", "pit"), ("tickpolicy", "delay")]);
        xml.empty("timer", &[("name", "rtc"), ("tickpolicy", "catchup")]);
        xml.empty("timer", &[("name", "hpet"), ("present", "no")]);
    });
}

fn lifecycle(xml: &mut Writer) {
    xml.text("on_poweroff", &[], "destroy");
    xml.text("on_reboot", &[], "restart");
    xml.text("on_crash", &[], "destroy");
    xml.element("pm", &[], |xml| {
        xml.empty("suspend-to-mem", &[("enabled", "no")]);
        xml.empty("suspend-to-disk", &[("enabled", "no")]);
    });
}

fn devices(xml: &mut Writer, spec: &DomainSpec, virt_type: VirtType) {
    controllers(xml, spec, virt_type);
    for disk in &spec.disks {
        write_disk(xml, disk);
    }
    for interface in &spec.interfaces {
        write_interface(xml, interface);
    }
    xml.element("serial", &[("type", "unix")], |xml| {
        xml.empty("source", &[("mode", "bind"), ("path", &path(&spec.console.socket))]);
        xml.empty("log", &[("file", &path(&spec.console.log)), ("append", "on")]);
        xml.empty("target", &[("port", "0")]);
    });
    if let Some(socket) = &spec.agent_socket {
        xml.element("channel", &[("type", "unix")], |xml| {
            xml.empty("source", &[("mode", "bind"), ("path", &path(socket))]);
            xml.empty("target", &[("type", "virtio"), ("name", AGENT_CHANNEL)]);
        });
    }
    display(xml, spec);
    xml.element("memballoon", &[("model", "virtio")], |xml| xml.empty("stats", &[("period", "10")]));
    if spec.rng {
        xml.element("rng", &[("model", "virtio")], |xml| {
            xml.text("backend", &[("model", "random")], "/dev/urandom");
        });
    }
}

fn controllers(xml: &mut Writer, spec: &DomainSpec, virt_type: VirtType) {
    if spec.machine == Machine::Q35 {
        let virtio_disks = spec.disks.iter().filter(|disk| disk.bus == DiskBus::Virtio).count();
        // USB, virtio-scsi, the agent's virtio-serial, balloon, rng; one too many does no harm.
        let ports = 5 + virtio_disks + spec.interfaces.len() + spare_ports(virt_type);
        xml.empty("controller", &[("type", "pci"), ("model", "pcie-root")]);
        for _ in 0..ports {
            xml.empty("controller", &[("type", "pci"), ("model", "pcie-root-port")]);
        }
    }
    // Always: a SCSI disk may be hot-plugged, and the controller cannot be while the guest has yet to boot.
    xml.empty("controller", &[("type", "scsi"), ("model", "virtio-scsi")]);
    let usb = if spec.vnc.is_some() { "qemu-xhci" } else { "none" };
    xml.empty("controller", &[("type", "usb"), ("model", usb)]);
}

fn display(xml: &mut Writer, spec: &DomainSpec) {
    match &spec.vnc {
        Some(Vnc::Unix(socket)) => {
            xml.element("graphics", &[("type", "vnc")], |xml| {
                xml.empty("listen", &[("type", "socket"), ("socket", &path(socket))]);
            });
        }
        Some(Vnc::Loopback) => {
            xml.element("graphics", &[("type", "vnc"), ("autoport", "yes")], |xml| {
                xml.empty("listen", &[("type", "address"), ("address", "127.0.0.1")]);
            });
        }
        None => {}
    }
    if spec.vnc.is_some() {
        xml.empty("input", &[("type", "tablet"), ("bus", "usb")]);
    }
    // A VGA that every firmware and installer knows; the text console of a guest without drivers shows on it.
    let model = if spec.vnc.is_some() { "vga" } else { "none" };
    xml.element("video", &[], |xml| xml.empty("model", &[("type", model)]));
    xml.empty("audio", &[("id", "1"), ("type", "none")]);
}

/// The device XML of `disk`, for hot-plugging.
#[must_use]
pub fn disk(disk: &Disk) -> String {
    let mut xml = Writer::default();
    write_disk(&mut xml, disk);
    xml.finish()
}

fn write_disk(xml: &mut Writer, disk: &Disk) {
    let device = if disk.cdrom { "cdrom" } else { "disk" };
    let (kind, source) = source_of(&disk.path);
    xml.element("disk", &[("type", kind), ("device", device)], |xml| {
        let mut driver = vec![
            ("name", "qemu"),
            ("type", disk.format.as_str()),
            ("cache", disk.cache.as_str()),
            ("discard", "unmap"),
        ];
        if disk.cdrom {
            driver.retain(|(key, _)| *key != "discard");
        }
        xml.empty("driver", &driver);
        xml.empty("source", &[(source, &path(&disk.path))]);
        if let Some(backing) = &disk.backing {
            let (kind, source) = source_of(&backing.path);
            xml.element("backingStore", &[("type", kind)], |xml| {
                xml.empty("format", &[("type", backing.format.as_str())]);
                xml.empty("source", &[(source, &path(&backing.path))]);
                xml.empty("backingStore", &[]);
            });
        } else {
            // An empty one ends the chain: nothing is probed, whatever the file says of itself.
            xml.empty("backingStore", &[]);
        }
        xml.empty("target", &[("dev", &disk.target), ("bus", disk.bus.as_str())]);
        if disk.read_only || disk.cdrom {
            xml.empty("readonly", &[]);
        }
        if !disk.serial.is_empty() {
            xml.text("serial", &[], &disk.serial);
        }
        if let Some(order) = disk.boot_order {
            xml.empty("boot", &[("order", &order.to_string())]);
        }
    });
}

/// The disk's type, and the attribute that its path goes into. What is under `/dev` is a block device.
fn source_of(path: &Path) -> (&'static str, &'static str) {
    if path.starts_with("/dev") { ("block", "dev") } else { ("file", "file") }
}

/// The device XML of `interface`, for hot-plugging.
#[must_use]
pub fn interface(interface: &Interface) -> String {
    let mut xml = Writer::default();
    write_interface(&mut xml, interface);
    xml.finish()
}

fn write_interface(xml: &mut Writer, interface: &Interface) {
    xml.element("interface", &[("type", "ethernet")], |xml| {
        xml.empty("mac", &[("address", &interface.mac)]);
        // Not managed: it exists already, libvirt only opens it and leaves it behind.
        xml.empty("target", &[("dev", &interface.tap), ("managed", "no")]);
        xml.empty("model", &[("type", interface.model.as_str())]);
        if interface.model == InterfaceModel::Virtio {
            xml.empty("mtu", &[("size", &interface.mtu.to_string())]);
        }
        xml.empty("rom", &[("enabled", "no")]);
    });
}

/// Paths are UTF-8: [`DomainSpec::validate`] refuses others.
fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
#[path = "domain_tests.rs"]
mod tests;
