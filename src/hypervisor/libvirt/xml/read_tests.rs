//! Against what libvirt 11.3 answers, shortened.

use super::*;

const LIVE: &str = "<domain type='qemu' id='1'>
  <name>instance-00000001</name>
  <vcpu placement='static'>1</vcpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none'/>
      <source file='/tmp/root.img' index='2'/>
      <target dev='vda' bus='virtio'/>
      <boot order='1'/>
      <alias name='virtio-disk0'/>
      <address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>
    </disk>
    <disk type='block' device='disk'>
      <source dev='/dev/loop7' index='1'/>
      <target dev='sda' bus='scsi'/>
      <serial>8f4a6c1e-0a55-4a3c-9b53-2f0c8f3f6c10</serial>
      <alias name='scsi0-0-0-0'/>
    </disk>
    <disk type='file' device='cdrom'>
      <target dev='sdb' bus='sata'/>
      <readonly/>
    </disk>
    <controller type='usb' index='0' model='qemu-xhci'><alias name='usb'/></controller>
    <interface type='ethernet'>
      <mac address='fa:16:3e:aa:bb:cc'/>
      <target dev='tap0' managed='no'/>
      <alias name='net0'/>
    </interface>
    <serial type='unix'>
      <source mode='bind' path='/tmp/serial.sock'/>
      <log file='/tmp/console.log' append='on'/>
      <target type='isa-serial' port='0'><model name='isa-serial'/></target>
      <alias name='serial0'/>
    </serial>
    <console type='unix'><source mode='bind' path='/tmp/serial.sock'/></console>
    GRAPHICS
  </devices>
</domain>";

fn live(graphics: &str) -> Domain {
    Domain::parse(&LIVE.replace("GRAPHICS", graphics)).unwrap()
}

#[test]
fn a_running_domain() {
    let domain = live("");
    let disks: Vec<_> = domain.disks().collect();
    assert_eq!(disks[0].parts(), ("vda", "", Path::new("/tmp/root.img")));
    assert_eq!(disks[0].alias, "virtio-disk0");
    assert_eq!(disks[1].parts(), ("sda", "8f4a6c1e-0a55-4a3c-9b53-2f0c8f3f6c10", Path::new("/dev/loop7")));
    assert_eq!(disks[2].parts(), ("sdb", "", Path::new("")));
    let interfaces: Vec<_> = domain.interfaces().collect();
    assert_eq!((interfaces[0].parts(), interfaces[0].alias.as_str()), (("fa:16:3e:aa:bb:cc", "tap0"), "net0"));
    assert_eq!(domain.console_log(), Some("/tmp/console.log".into()));
    assert_eq!(domain.serial(), Some(Endpoint::Unix("/tmp/serial.sock".into())));
    assert_eq!(domain.graphics(), None);
}

#[test]
fn a_display_by_socket_and_by_port() {
    let socket = "<graphics type='vnc' socket='/s'><listen type='socket' socket='/s'/></graphics>";
    assert_eq!(live(socket).graphics(), Some(Endpoint::Unix("/s".into())));
    let port = "<graphics type='vnc' port='5901' autoport='yes' listen='127.0.0.1'>\
                <listen type='address' address='127.0.0.1'/></graphics>";
    assert_eq!(live(port).graphics(), Some(Endpoint::Tcp("127.0.0.1:5901".parse().unwrap())));
    let off = "<graphics type='vnc' port='-1' autoport='yes'><listen type='address' address='127.0.0.1'/></graphics>";
    assert_eq!(live(off).graphics(), None);
}

#[test]
fn a_mark_names_the_owner_and_the_domain() {
    let uuid = uuid::Uuid::from_u128(7);
    let element =
        format!("<cloudbox:instance xmlns:cloudbox='urn:cloudbox:domain:1' owner='cloud-1' server='{uuid}'/>");
    let read = mark(&element).unwrap();
    assert!(read.is("cloud-1", uuid));
    assert!(!read.is("cloud-2", uuid), "another cloud's");
    assert!(!read.is("cloud-1", uuid::Uuid::from_u128(8)), "a copy");
    assert_eq!(mark("<cloudbox:instance xmlns:cloudbox='urn:cloudbox:domain:1' owner='cloud-1'/>"), None);
    assert_eq!(mark("nonsense"), None);
}

#[test]
fn the_hosts_capabilities() {
    let xml = "<capabilities>
      <host>
        <uuid>6fdaece1-f789-47e1-90ad-381894463e4e</uuid>
        <cpu>
          <arch>x86_64</arch><model>EPYC</model><vendor>AMD</vendor>
          <topology sockets='1' dies='1' clusters='1' cores='2' threads='1'/>
          <feature name='x2apic'/><feature name='xsave'/>
          <pages unit='KiB' size='4'/>
        </cpu>
        <topology><cells num='1'><cell id='0'><memory unit='KiB'>9398476</memory></cell></cells></topology>
        <secmodel><model>none</model></secmodel><secmodel><model>dac</model></secmodel>
      </host>
      <guest><os_type>hvm</os_type><arch name='i686'><domain type='kvm'/></arch></guest>
      <guest><os_type>hvm</os_type><arch name='x86_64'>
        <machine maxCpus='255'>pc-q35-10.0</machine><machine canonical='pc-q35-10.0'>q35</machine>
        <domain type='qemu'/>
      </arch></guest>
    </capabilities>";
    let host = HostCapabilities::parse(xml).unwrap();
    assert!(host.offers("qemu"));
    assert!(!host.offers("kvm"), "KVM is offered for another architecture only");
    let nova = r#"{"arch":"x86_64","model":"EPYC","vendor":"AMD","topology":{"cells":1,"sockets":1,"cores":2,"threads":1},"features":["x2apic","xsave"]}"#;
    assert_eq!(serde_json::to_string(&host.cpu()).unwrap(), nova);
}

#[test]
fn what_is_not_xml_is_an_error() {
    assert!(Domain::parse("").is_err());
    assert!(Domain::parse("<domain><devices>").is_err());
    assert!(HostCapabilities::parse("<capabilities/>").is_err());
}
