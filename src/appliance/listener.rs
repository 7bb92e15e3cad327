//! Where the APIs are reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use kit::config::ApiConfig;

use super::StartError;

/// Takes the address.
pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

/// The URL for clients: the configured one, or the listener's own address. Where it listens on all addresses, the one that
/// the host would use to reach others; a host that reaches nobody has clients on itself alone.
pub(super) fn public_url(config: &ApiConfig, address: SocketAddr) -> String {
    if !config.public_url.is_empty() {
        return config.public_url.trim_end_matches('/').to_owned();
    }
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        ip => outward_address(address).unwrap_or(if ip.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        }),
    };
    if let Some(name) = config.tls.acme.domains.first() {
        return format!("https://{name}:{}", address.port());
    }
    let scheme = if config.is_encrypted() { "https" } else { "http" };
    format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
}

/// The address that packets to the outside would have. Nothing is sent: the addresses are from the ranges for documentation.
fn outward_address(listening: SocketAddr) -> Option<IpAddr> {
    let (any, outside) = match listening {
        SocketAddr::V4(_) => ("0.0.0.0:0", "192.0.2.1:9"),
        SocketAddr::V6(_) => ("[::]:0", "[2001:db8::1]:9"),
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(outside).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_names_the_port_that_was_taken_and_the_configured_one_wins() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut config = ApiConfig { listen: "127.0.0.1:0".parse().unwrap(), ..ApiConfig::default() };
        assert_eq!(public_url(&config, listener.local_addr().unwrap()), format!("http://127.0.0.1:{port}"));
        config.public_url = "https://cloud.example/".to_owned();
        assert_eq!(public_url(&config, listener.local_addr().unwrap()), "https://cloud.example");
        let all = bind("0.0.0.0:0".parse().unwrap()).unwrap();
        let url = public_url(&ApiConfig::default(), all.local_addr().unwrap());
        assert!(!url.contains("0.0.0.0"), "nobody's address: {url}");
    }

    #[test]
    fn a_taken_address_says_which() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let error = bind(listener.local_addr().unwrap()).unwrap_err();
        assert!(error.to_string().contains(&listener.local_addr().unwrap().to_string()), "{error}");
    }
}
