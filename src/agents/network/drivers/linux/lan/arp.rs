//! Telling a LAN that an address is here from now on (gratuitous ARP): whoever knows another place for it would keep to that for minutes.

use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, bind, send, socket};

/// The shortest frame of Ethernet, without its check sum.
const SHORTEST: usize = 60;
const BROADCAST: [u8; 6] = [0xff; 6];

/// Says at `interface` that it answers for `addresses`. Best effort: without it the LAN finds out a little later.
pub async fn announce(interface: String, addresses: Vec<Ipv4Addr>) {
    let name = interface.clone();
    let told = tokio::task::spawn_blocking(move || tell(&name, &addresses)).await;
    match told {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, interface, "the LAN could not be told of new addresses"),
        Err(error) => tracing::warn!(%error, interface, "the LAN could not be told of new addresses"),
    }
}

fn tell(interface: &str, addresses: &[Ipv4Addr]) -> nix::Result<()> {
    let links = getifaddrs()?.filter(|link| link.interface_name == interface);
    let mut links = links.filter_map(|link| link.address?.as_link_addr().copied());
    // What is no Ethernet has no ARP.
    let found = links.find_map(|link: LinkAddr| Some((link, link.addr().filter(|mac| *mac != [0; 6])?)));
    let Some((link, mac)) = found else { return Ok(()) };
    // Of no protocol: it receives nothing.
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
    bind(socket.as_raw_fd(), &link)?;
    for address in addresses {
        // Some heed requests only, some replies only.
        for operation in [1, 2] {
            send(socket.as_raw_fd(), &frame(mac, *address, operation), MsgFlags::empty())?;
        }
    }
    Ok(())
}

/// An ARP packet from `mac` to all, by which `address` tells of itself. Pure.
fn frame(mac: [u8; 6], address: Ipv4Addr, operation: u8) -> Vec<u8> {
    let target = if operation == 1 { [0; 6] } else { BROADCAST };
    let mut frame = [&BROADCAST[..], &mac, &[0x08, 0x06]].concat();
    // Ethernet and IPv4, with addresses of 6 and 4 bytes.
    frame.extend([0, 1, 0x08, 0, 6, 4, 0, operation]);
    for (hardware, protocol) in [(mac, address), (target, address)] {
        frame.extend(hardware);
        frame.extend(protocol.octets());
    }
    frame.resize(SHORTEST, 0);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_of_itself() {
        let frame = frame([2, 0, 0, 0, 0, 9], Ipv4Addr::new(192, 168, 1, 5), 1);
        let wanted = "ffffffffffff 020000000009 0806 0001 0800 06 04 0001 020000000009 c0a80105 000000000000 c0a80105";
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(hex.starts_with(&wanted.replace(' ', "")), "{hex}");
        assert_eq!(frame.len(), SHORTEST);
    }
}
