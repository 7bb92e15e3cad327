//! Settings of the host as a whole, each changed only when a network needs it.

use std::net::IpAddr;
use std::path::Path;

use super::command::{PATH, Tool};
use super::{link, netns};
use crate::drivers::driver::{DriverError, DriverResult};

/// The programs that the driver runs, and the Debian packages that they are in.
const TOOLS: [(&str, &str); 3] = [("ip", "iproute2"), ("nft", "nftables"), ("dnsmasq", "dnsmasq-base")];

/// Refuses a host that lacks a program, naming the packages.
pub fn require_tools() -> DriverResult<()> {
    let there = |program: &str| PATH.split(':').any(|directory| Path::new(directory).join(program).exists());
    let missing: Vec<&str> = TOOLS.iter().filter(|(program, _)| !there(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let what = "the network driver `linux`".to_owned();
    Err(DriverError::Unsupported { what, why: format!("install {}", missing.join(", ")) })
}

/// Has the kernel bring bridged packets to the inet tables where a bridge asks for it.
pub async fn prepare_bridging() -> DriverResult<()> {
    let switch = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    if tokio::fs::try_exists(switch).await.unwrap_or(false) {
        return Ok(());
    }
    Tool::new("loading br_netfilter", "modprobe", ["br_netfilter"]).run().await.map_err(|error| {
        let what = "enforcing security groups".to_owned();
        DriverError::Unsupported { what, why: format!("the kernel has no br_netfilter ({error})") }
    })?;
    // It comes with all bridges of the host switched on; ours ask for it themselves.
    let switches = ["iptables", "ip6tables", "arptables"];
    let off = switches.map(|name| (format!("net/bridge/bridge-nf-call-{name}"), "0")).to_vec();
    netns::set_parameters(None, off).await
}

/// Makes the host forward packets.
pub async fn forward(ipv6: bool) -> DriverResult<()> {
    let mut parameters = vec![("net/ipv4/ip_forward".to_owned(), "1")];
    if ipv6 {
        // A host that forwards ignores router advertisements, its own default route included, unless told not to.
        for device in link::all(None).await?.into_keys() {
            let parameter = format!("net/ipv6/conf/{device}/accept_ra");
            let now = tokio::fs::read_to_string(format!("/proc/sys/{parameter}")).await;
            if now.is_ok_and(|value| value.trim() == "1") {
                parameters.push((parameter, "2"));
            }
        }
        parameters.push(("net/ipv6/conf/all/forwarding".to_owned(), "1"));
    }
    netns::set_parameters(None, parameters).await
}

/// The host's resolvers, as far as they can be reached from elsewhere.
pub async fn host_resolvers() -> Vec<IpAddr> {
    // systemd-resolved hides the real ones behind 127.0.0.53.
    for file in ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"] {
        let text = tokio::fs::read_to_string(file).await.unwrap_or_default();
        let found = resolvers(&text);
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

fn resolvers(text: &str) -> Vec<IpAddr> {
    let named = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    let addresses = named.filter_map(|rest| rest.trim().parse::<IpAddr>().ok());
    addresses.filter(|ip| !ip.is_loopback() && !ip.is_unspecified()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_on_the_loopback_are_of_no_use_to_guests() {
        let text = "# comment\nnameserver 127.0.0.53\nnameserver 9.9.9.9\nnameserver fe80::1%eth0\nsearch x\n";
        assert_eq!(resolvers(text), ["9.9.9.9".parse::<IpAddr>().unwrap()]);
    }
}
