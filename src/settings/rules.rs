//! What the values of the configuration may be, each for itself and with others.

use std::net::IpAddr;

use kit::config::{Config, ImageConfig, LanMistake, NetworkConfig, TlsMode};
use tracing_subscriber::EnvFilter;

use super::document::reset;
use super::keys;

/// A value that makes no sense.
pub(super) struct Wrong {
    /// Whose.
    pub key: &'static str,
    /// The value.
    pub value: String,
    /// What it must be.
    pub reason: String,
}

/// The least and the most that a number may be.
const RANGES: &[(&str, i64, i64)] = &[
    ("api.max_connections", 1, 1_000_000),
    ("api.header_timeout_secs", 1, 3600),
    ("api.request_timeout_secs", 1, 86_400),
    ("api.max_body_bytes", 1024, 1 << 30),
    ("api.tls.max_handshakes", 1, 100_000),
    ("api.tls.handshake_timeout_secs", 1, 600),
    ("audit.keep_rows", 1, 1_000_000_000),
    ("audit.keep_days", 1, 36_500),
    ("bus.queue_length", 1, 1_000_000),
    ("bus.call_timeout_secs", 1, 3600),
    ("image.max_size_bytes", 1, i64::MAX),
    ("image.imports_at_once", 1, 100),
    ("image.task_hours", 0, 876_000),
    // A name server must get an answer into a packet, and IPv6 wants 1280.
    ("network.mtu", 1280, 65_535),
    ("compute.reserved_host_memory_mb", 0, 1 << 30),
    ("compute.build_concurrency", 1, 1000),
    ("compute.max_attempts", 1, 100),
    ("compute.shutdown_timeout_secs", 0, 86_400),
];

/// How often what is there may be sold.
const RATIOS: &[&str] =
    &["compute.cpu_allocation_ratio", "compute.ram_allocation_ratio", "compute.disk_allocation_ratio"];

/// Everything that is wrong with `config`.
pub(super) fn check(config: &Config) -> Vec<Wrong> {
    let mut found = Vec::new();
    numbers(config, &mut found);
    api(config, &mut found);
    drivers(config, &mut found);
    network(&config.network, &mut found);
    image(&config.image, &mut found);
    identity(config, &mut found);
    if EnvFilter::builder().parse(&config.log.level).is_err() {
        say(
            &mut found,
            "log.level",
            &config.log.level,
            "use error, warn, info, debug or trace, or a list such as info,compute=debug",
        );
    }
    found
}

fn say(found: &mut Vec<Wrong>, key: &'static str, value: impl ToString, reason: impl ToString) {
    let value = format!("{:?}", value.to_string());
    found.push(Wrong { key, value, reason: reason.to_string() });
}

fn numbers(config: &Config, found: &mut Vec<Wrong>) {
    for (name, value) in keys(config) {
        if let (Some(number), Some((key, least, most))) =
            (value.as_integer(), RANGES.iter().find(|range| range.0 == name))
            && !(*least..=*most).contains(&number)
        {
            let reason =
                if *most == i64::MAX { format!("use at least {least}") } else { format!("use {least} to {most}") };
            found.push(Wrong { key, value: number.to_string(), reason });
        }
        if let (Some(number), Some(key)) = (value.as_float(), RATIOS.iter().find(|key| **key == name))
            && !(number > 0.0 && number <= 1000.0)
        {
            found.push(Wrong { key, value: number.to_string(), reason: "use more than 0, at most 1000".to_owned() });
        }
    }
}

fn api(config: &Config, found: &mut Vec<Wrong>) {
    let (api, tls) = (&config.api, &config.api.tls);
    let url = api.public_url.trim_end_matches('/');
    let parsed = url.parse::<hyper::Uri>().ok();
    let is_url = parsed.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some() && matches!(uri.path(), "" | "/")
    });
    if !url.is_empty() && !is_url {
        say(found, "api.public_url", url, "use a URL without a path: https://cloud.example:8774");
    }
    if api.region.is_empty() || api.region.len() > 255 {
        say(found, "api.region", &api.region, "use a name of at most 255 characters");
    }
    if tls.certificate.as_os_str().is_empty() != tls.key.as_os_str().is_empty() {
        let (key, set) = match tls.key.as_os_str().is_empty() {
            true => ("api.tls.certificate", &tls.certificate),
            false => ("api.tls.key", &tls.key),
        };
        say(found, key, set.display(), "api.tls.certificate and api.tls.key go together");
    }
    if tls.mode == TlsMode::Off && !api.listen.ip().is_loopback() && !tls.allow_plain_http {
        let reason =
            "passwords would cross the network in clear: listen on 127.0.0.1, or set api.tls.allow_plain_http = true";
        say(found, "api.tls.mode", "off", reason);
    }
    for name in tls.names.iter().filter(|name| !is_host(name)) {
        say(found, "api.tls.names", name, "use names and addresses: cloud.example, *.cloud.example, 192.0.2.1");
    }
    acme(config, found);
}

fn acme(config: &Config, found: &mut Vec<Wrong>) {
    let acme = &config.api.tls.acme;
    for name in
        acme.domains.iter().filter(|name| !is_host(name) || name.contains('*') || name.parse::<IpAddr>().is_ok())
    {
        say(found, "api.tls.acme.domains", name, "use names of this host: cloud.example");
    }
    for contact in acme.contacts.iter().filter(|contact| !contact.starts_with("mailto:")) {
        say(found, "api.tls.acme.contacts", contact, "use mailto:you@example.org");
    }
    if !acme.domains.is_empty() && !acme.accept_terms {
        let reason = "read the authority's terms of service, and say whether you agree: accept_terms = true";
        say(found, "api.tls.acme.accept_terms", false, reason);
    }
    if !acme.domains.is_empty() && !config.api.tls.certificate.as_os_str().is_empty() {
        say(found, "api.tls.acme.domains", acme.domains.join(", "), "use either ACME or a certificate of your own");
    }
    if !acme.directory.starts_with("https://") {
        say(found, "api.tls.acme.directory", &acme.directory, "use the https URL of an ACME directory");
    }
}

/// Whether `name` is an address or a name, perhaps of all below one.
fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        (1..64).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.parse::<IpAddr>().is_ok()
        || (name.len() < 254 && name.strip_prefix("*.").unwrap_or(name).split('.').all(label))
}

fn drivers(config: &Config, found: &mut Vec<Wrong>) {
    let hypervisor = config.compute.hypervisor.as_str();
    // `qemu+unix` names the socket of a daemon: still this host's.
    let local = ["qemu:///", "qemu+unix:///"].iter().any(|scheme| hypervisor.starts_with(scheme));
    if hypervisor != "fake" && !local {
        say(
            found,
            "compute.hypervisor",
            hypervisor,
            "use fake, qemu:///system, qemu:///session or qemu:///embed?root=DIR",
        );
    }
    if !matches!(config.compute.virt_type.as_str(), "auto" | "kvm" | "qemu") {
        say(found, "compute.virt_type", &config.compute.virt_type, "use auto, kvm or qemu");
    }
    if !matches!(config.network.driver.as_str(), "linux" | "fake") {
        say(found, "network.driver", &config.network.driver, "use linux or fake");
    }
    if !matches!(config.volume.driver.as_str(), "file" | "fake") {
        say(found, "volume.driver", &config.volume.driver, "use file or fake");
    }
}

fn network(network: &NetworkConfig, found: &mut Vec<Wrong>) {
    let prefix = network.device_prefix.as_str();
    let usual = prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !(1..=3).contains(&prefix.len()) || !usual {
        say(found, "network.device_prefix", prefix, "use one to three lower-case letters or digits");
    }
    let range = |key, text: &str, found: &mut Vec<Wrong>| match text.parse::<ipnet::IpNet>() {
        Ok(range) if range.addr() == range.network() && range.max_prefix_len() - range.prefix_len() >= 3 => Some(range),
        Ok(range) if range.addr() != range.network() => {
            say(found, key, text, format!("use the range's first address: {}", range.trunc()));
            None
        }
        _ => {
            say(found, key, text, "use a range with room for hosts: 10.20.0.0/24");
            None
        }
    };
    let guests = range("network.default_cidr", &network.default_cidr, found);
    let external = range("network.external_cidr", &network.external_cidr, found);
    if let (Some(guests), Some(external)) = (guests, external)
        && (guests.contains(&external) || external.contains(&guests))
    {
        say(found, "network.external_cidr", external, "it must not overlap network.default_cidr");
    }
    if external.is_some()
        && let Err(LanMistake { key, reason }) = network.lan()
    {
        let value = match key {
            "network.external_interface" => &network.external_interface,
            "network.external_gateway" => &network.external_gateway,
            "network.external_range" => &network.external_range,
            _ => &network.external_cidr,
        };
        say(found, key, value, reason);
    }
}

fn image(image: &ImageConfig, found: &mut Vec<Wrong>) {
    let mut known = vec!["file"];
    for store in &image.stores {
        let usual = store.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if store.id.is_empty() || !usual {
            say(found, "image.stores", &store.id, "use letters, digits, '-', '_' and '.' for a store's id");
        }
        if known.contains(&store.id.as_str()) {
            say(
                found,
                "image.stores",
                &store.id,
                "give each store an id of its own; `file` is the one in the data directory",
            );
        }
        if !store.path.is_absolute() {
            say(found, "image.stores", store.path.display(), "use a path from the root: /srv/images");
        }
        known.push(&store.id);
    }
    if !known.contains(&image.default_store.as_str()) {
        say(found, "image.default_store", &image.default_store, format!("use one of the stores: {}", known.join(", ")));
    }
    if !matches!(image.convert_to.as_str(), "" | "qcow2" | "raw") {
        say(found, "image.convert_to", &image.convert_to, "use qcow2 or raw, or nothing to keep images as they come");
    }
    let methods = ["glance-direct", "web-download", "copy-image"];
    for method in image.import_methods.iter().filter(|method| !methods.contains(&method.as_str())) {
        say(found, "image.import_methods", method, format!("use some of {}", methods.join(", ")));
    }
}

/// Identity tells one at a time: what it told is put back to its default, until it is content.
fn identity(config: &Config, found: &mut Vec<Wrong>) {
    let mut config = config.clone();
    while let Err(wrong) = identity::check_settings(&config.identity) {
        let next = reset(&config, wrong.key);
        let again = found.iter().any(|other| other.key == wrong.key);
        if !again {
            found.push(Wrong { key: wrong.key, value: wrong.value, reason: wrong.reason.to_owned() });
        }
        match next {
            Some(next) if !again => config = next,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use kit::config::ImageStore;

    use super::*;

    #[test]
    fn every_range_is_of_a_number_and_holds_its_default() {
        let all = keys(&Config::default());
        for (key, least, most) in RANGES {
            let (_, value) = all.iter().find(|(other, _)| other == key).unwrap_or_else(|| panic!("no {key}"));
            assert!((*least..=*most).contains(&value.as_integer().unwrap()), "{key}");
        }
        assert!(RATIOS.iter().all(|key| all.iter().any(|(other, value)| other == key && value.is_float())));
        assert!(check(&Config::default()).is_empty());
    }

    #[test]
    fn stores_of_images_have_ids_of_their_own_and_formats_are_those_that_are_made() {
        let store =
            |id: &str, path: &str| ImageStore { id: id.to_owned(), path: path.into(), description: String::new() };
        let told = |image: ImageConfig| -> Vec<String> {
            let wrong = check(&Config { image, ..Config::default() });
            wrong.into_iter().map(|wrong| format!("{} {}", wrong.key, wrong.value)).collect()
        };
        let two = ImageConfig { stores: vec![store("ssd", "/a"), store("nas", "/b")], ..ImageConfig::default() };
        assert_eq!(told(ImageConfig { default_store: "nas".to_owned(), ..two.clone() }), [""; 0]);
        assert_eq!(told(ImageConfig { default_store: "hdd".to_owned(), ..two }), [r#"image.default_store "hdd""#]);
        for (stores, wrong) in [
            (vec![store("ssd", "/a"), store("ssd", "/b")], r#"image.stores "ssd""#),
            (vec![store("file", "/a")], r#"image.stores "file""#),
            (vec![store("a b", "/a")], r#"image.stores "a b""#),
            (vec![store("a", "b")], r#"image.stores "b""#),
        ] {
            assert_eq!(told(ImageConfig { stores, ..ImageConfig::default() }), [wrong]);
        }
        assert_eq!(
            told(ImageConfig { convert_to: "vmdk".to_owned(), ..ImageConfig::default() }),
            [r#"image.convert_to "vmdk""#]
        );
        let import_methods = vec!["glance-download".to_owned()];
        assert_eq!(
            told(ImageConfig { import_methods, ..ImageConfig::default() }),
            [r#"image.import_methods "glance-download""#]
        );
    }

    #[test]
    fn hosts_are_names_and_addresses() {
        for good in ["a", "a.example", "*.a.example", "192.0.2.1", "2001:db8::1"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", "a_b", "a b", "*", "a..b", "größer", "https://a"] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
