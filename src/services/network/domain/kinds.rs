//! What an attribute's value may be, and how it is normalised; reasons are worded as Neutron's validators do.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value, json};

use super::{mac, python};

/// Why a value was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalid {
    /// A validator's reason: answered with the attribute's name.
    Value(String),
    /// A converter's reason: answered without it.
    Conversion(String),
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Anything.
    Any,
    /// Text of at most so many characters.
    Text(usize),
    /// The same, or `null`.
    TextOrNull(usize),
    /// A boolean, or what Neutron takes for one.
    Bool,
    /// An integer of at least this.
    Integer(i64),
    /// The same, or `null`.
    IntegerOrNull(i64),
    /// A dashed or plain UUID.
    Uuid,
    /// The same, or `null`.
    UuidOrNull,
    /// UUIDs, each once.
    Uuids,
    /// An address, or `null`.
    AddressOrNull,
    /// A range with a prefix length.
    Cidr,
    /// A range, an address, or `null`: kept as it was written.
    PrefixOrNull,
    /// An Ethernet address.
    Mac,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts, or `null`.
    OneOfOrNull(&'static [&'static str]),
    /// 4 or 6.
    IpVersion,
    /// Name servers: addresses, each once.
    Nameservers,
    /// `{"destination", "nexthop"}`, each once.
    Routes,
    /// `{"start", "end"}`.
    Pools,
    /// `{"subnet_id", "ip_address"}`, either or both.
    FixedIps,
    /// `{"ip_address", "mac_address"}`.
    AddressPairs,
    /// `{"opt_name", "opt_value", "ip_version"}`.
    DhcpOptions,
    /// Texts.
    Texts,
    /// An object.
    Object,
    /// `{"network_id", "enable_snat", "external_fixed_ips"}` or `null`.
    Gateway,
    /// An IP protocol: a name, a number, or `null`.
    Protocol,
    /// A domain's name, or nothing.
    DnsDomain,
    /// A port number, an ICMP type or code, or `null`.
    PortNumber,
}

type Converted = Result<Value, Invalid>;

fn invalid<T>(reason: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid::Value(reason.into()))
}

impl Kind {
    /// `value` normalised, where it is of this kind.
    ///
    /// # Errors
    /// Why it is not.
    pub fn convert(self, value: &Value) -> Converted {
        match self {
            Self::Any => Ok(value.clone()),
            Self::Text(longest) => text(value, longest),
            Self::Bool => boolean(value),
            Self::Integer(least) => integer(value, least),
            Self::Uuid => uuid(value),
            Self::Uuids => list(value, uuid).and_then(unique),
            Self::Cidr => cidr(value),
            Self::Mac => ethernet(value),
            Self::OneOf(texts) => one_of(value, texts),
            Self::IpVersion => ip_version(value),
            Self::Nameservers => nameservers(value),
            Self::Routes => list(value, route).and_then(unique),
            Self::Pools => list(value, |item| pair_of_addresses(item, "start", "end")),
            Self::FixedIps => fixed_ips(value),
            Self::AddressPairs => address_pairs(value),
            Self::DhcpOptions => list(value, dhcp_option),
            Self::DnsDomain => dns_domain(value),
            Self::Texts => list(value, |item| text(item, 255)),
            Self::Object => object(value).map(|members| Value::Object(members.clone())),
            Self::TextOrNull(_)
            | Self::IntegerOrNull(_)
            | Self::UuidOrNull
            | Self::AddressOrNull
            | Self::PrefixOrNull
            | Self::OneOfOrNull(_)
            | Self::Gateway
            | Self::Protocol
            | Self::PortNumber => self.convert_nullable(value),
        }
    }

    fn convert_nullable(self, value: &Value) -> Converted {
        if value.is_null() {
            return Ok(Value::Null);
        }
        match self {
            Self::TextOrNull(longest) => text(value, longest),
            Self::IntegerOrNull(least) => integer(value, least),
            Self::UuidOrNull => uuid(value),
            Self::AddressOrNull => address(value),
            Self::PrefixOrNull => prefix(value),
            Self::OneOfOrNull(texts) => one_of(value, texts),
            Self::Gateway => gateway(value),
            Self::Protocol => Ok(Value::from(python::str(value).to_lowercase())),
            Self::PortNumber => port_number(value),
            _ => Ok(value.clone()),
        }
    }
}

fn text(value: &Value, longest: usize) -> Converted {
    match value {
        Value::String(text) if text.chars().count() <= longest => Ok(value.clone()),
        Value::String(text) => invalid(format!("'{text}' exceeds maximum length of {longest}")),
        other => invalid(format!("'{}' is not a valid string", python::str(other))),
    }
}

/// Letters, digits and hyphens between dots: it goes into the configuration of a name server.
fn dns_domain(value: &Value) -> Converted {
    let domain = text(value, 255)?;
    let name = value.as_str().unwrap_or_default();
    let valid = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.is_empty() || name.strip_suffix('.').unwrap_or(name).split('.').all(valid) {
        return Ok(domain);
    }
    invalid(format!("'{name}' not a valid PQDN or FQDN. Reason: Encountered an invalid label"))
}

fn boolean(value: &Value) -> Converted {
    let truth = match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => number.as_i64().and_then(|n| [false, true].get(usize::try_from(n).ok()?).copied()),
        Value::String(text) => match text.to_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    };
    let reason = || Invalid::Conversion(format!("'{}' cannot be converted to boolean", python::str(value)));
    truth.map(Value::from).ok_or_else(reason)
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
}

fn integer(value: &Value, least: i64) -> Converted {
    match whole(value) {
        Some(number) if number >= least && number <= i64::from(i32::MAX) => Ok(Value::from(number)),
        Some(number) if number < least => invalid(format!("'{number}' is too small - must be at least '{least}'")),
        Some(number) => invalid(format!("'{number}' is too large - must be no larger than '{}'", i32::MAX)),
        None => Err(Invalid::Conversion(format!("'{}' is not an integer", python::str(value)))),
    }
}

fn uuid(value: &Value) -> Converted {
    match value.as_str().filter(|text| uuid::Uuid::parse_str(text).is_ok()) {
        Some(_) => Ok(value.clone()),
        None => invalid(format!("'{}' is not a valid UUID", python::str(value))),
    }
}

fn address(value: &Value) -> Converted {
    match value.as_str().and_then(|text| text.parse::<IpAddr>().ok()) {
        Some(address) => Ok(Value::from(address.to_string())),
        None => invalid(format!("'{}' is not a valid IP address", python::str(value))),
    }
}

fn cidr(value: &Value) -> Converted {
    let text = python::str(value);
    let (Ok(net), true) = (text.parse::<IpNet>(), text.contains('/')) else {
        return invalid(format!("'{text}' is not a valid IP subnet"));
    };
    if net.addr() != net.network() {
        return invalid(format!("'{text}' isn't a recognized IP subnet cidr, '{}' is recommended", net.trunc()));
    }
    Ok(Value::from(net.to_string()))
}

fn prefix(value: &Value) -> Converted {
    let text = python::str(value);
    if text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok() {
        return Ok(Value::from(text));
    }
    Err(Invalid::Conversion(format!("Invalid CIDR {text} given as IP prefix.").trim_end_matches('.').to_owned()))
}

fn ethernet(value: &Value) -> Converted {
    match value.as_str().and_then(mac::parse) {
        Some(octets) if octets != [0; 6] => Ok(Value::from(mac::format(octets))),
        _ => invalid(format!("'{}' is not a valid MAC address", python::str(value))),
    }
}

fn one_of(value: &Value, texts: &[&str]) -> Converted {
    let found = value.as_str().filter(|text| texts.contains(text));
    let all = || texts.iter().map(|text| format!("'{text}'")).collect::<Vec<_>>().join(", ");
    match found {
        Some(_) => Ok(value.clone()),
        None => invalid(format!("'{}' is not in ({})", python::str(value), all())),
    }
}

fn ip_version(value: &Value) -> Converted {
    match whole(value) {
        Some(version @ (4 | 6)) => Ok(Value::from(version)),
        _ => invalid(format!("'{}' is not in [4, 6]", python::str(value))),
    }
}

fn list(value: &Value, mut item: impl FnMut(&Value) -> Converted) -> Converted {
    match value {
        // What clients send to say "none", as Neutron's converters take it.
        Value::Null => Ok(json!([])),
        Value::Array(items) => items.iter().map(&mut item).collect::<Result<_, _>>().map(Value::Array),
        other => invalid(format!("'{}' is not a list", python::str(other))),
    }
}

fn unique(list: Value) -> Converted {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let twice = items.iter().enumerate().any(|(index, item)| items.iter().take(index).any(|other| other == item));
    if twice { invalid(format!("Duplicate items in the list: '{}'", python::repr(&list))) } else { Ok(list) }
}

fn object(value: &Value) -> Result<&Map<String, Value>, Invalid> {
    let reason = || Invalid::Value(format!("'{}' is not a dictionary", python::str(value)));
    value.as_object().ok_or_else(reason)
}

/// The members of `value`, of which there are no others than `known`.
fn members<'v>(value: &'v Value, known: &[&str]) -> Result<&'v Map<String, Value>, Invalid> {
    let members = object(value)?;
    match members.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => invalid(format!("Unexpected keys supplied: {key}")),
        None => Ok(members),
    }
}

fn nameservers(value: &Value) -> Converted {
    let mut seen: Vec<Value> = Vec::new();
    list(value, |item| {
        let reason = || {
            Invalid::Value(format!(
                "'{0}' is not a valid nameserver. '{0}' is not a valid IP address",
                python::str(item)
            ))
        };
        let address = address(item).map_err(|_| reason())?;
        if seen.contains(&address) {
            return invalid(format!("Duplicate nameserver '{}'", python::str(item)));
        }
        seen.push(address.clone());
        Ok(address)
    })
}

fn pair_of_addresses(value: &Value, first: &str, second: &str) -> Converted {
    let members = members(value, &[first, second])?;
    let get = |name: &str| match members.get(name) {
        Some(value) => address(value),
        None => invalid(format!("Validation of dictionary's keys failed. Expected keys: ['{first}', '{second}']")),
    };
    Ok(json!({first: get(first)?, second: get(second)?}))
}

fn route(value: &Value) -> Converted {
    let members = members(value, &["destination", "nexthop"])?;
    let missing = || Invalid::Value(format!("Invalid data format for hostroute: '{}'", python::repr(value)));
    let destination = cidr(members.get("destination").ok_or_else(missing)?)?;
    let nexthop = address(members.get("nexthop").ok_or_else(missing)?)?;
    Ok(json!({"destination": destination, "nexthop": nexthop}))
}

fn fixed_ips(value: &Value) -> Converted {
    let mut addresses: Vec<Value> = Vec::new();
    list(value, |item| {
        let members = members(item, &["subnet_id", "ip_address"])?;
        let mut fixed = Map::new();
        if let Some(ip) = members.get("ip_address").filter(|ip| !ip.is_null()) {
            let ip = address(ip)?;
            if addresses.contains(&ip) {
                return invalid(format!("Duplicate IP address '{}'", python::str(&ip)));
            }
            addresses.push(ip.clone());
            fixed.insert("ip_address".to_owned(), ip);
        }
        if let Some(subnet) = members.get("subnet_id").filter(|id| !id.is_null()) {
            fixed.insert("subnet_id".to_owned(), uuid(subnet)?);
        }
        Ok(Value::Object(fixed))
    })
}

fn address_pairs(value: &Value) -> Converted {
    let pairs = list(value, |item| {
        let members = members(item, &["ip_address", "mac_address"])?;
        let Some(ip) = members.get("ip_address") else {
            return Err(Invalid::Conversion("AllowedAddressPair must contain ip_address".to_owned()));
        };
        let range =
            prefix(ip).map_err(|_| Invalid::Value(format!("'{}' is not a valid IP subnet", python::str(ip))))?;
        let mut pair = Map::from_iter([("ip_address".to_owned(), range)]);
        if let Some(mac) = members.get("mac_address").filter(|mac| !mac.is_null()) {
            pair.insert("mac_address".to_owned(), ethernet(mac)?);
        }
        Ok(Value::Object(pair))
    })?;
    unique(pairs)
}

fn dhcp_option(value: &Value) -> Converted {
    let members = members(value, &["opt_name", "opt_value", "ip_version"])?;
    let Some(name) = members.get("opt_name") else {
        return invalid("Validation of dictionary's keys failed. Expected keys: ['opt_name', 'opt_value']");
    };
    // Both go into the configuration of a DHCP server.
    let word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !name.as_str().is_some_and(word) {
        return invalid(format!("'{}' is not a valid DHCP option", python::str(name)));
    }
    let version = members.get("ip_version").filter(|version| !version.is_null()).map_or(Ok(json!(4)), ip_version)?;
    let content = match members.get("opt_value") {
        None | Some(Value::Null) => Value::Null,
        Some(content)
            if content.as_str().is_some_and(|text| !text.bytes().all(|byte| (0x20..0x7f).contains(&byte))) =>
        {
            return invalid(format!("'{}' is not a valid value of a DHCP option", python::str(content)));
        }
        Some(content) => text(content, 255)?,
    };
    Ok(json!({"opt_name": text(name, 64)?, "opt_value": content, "ip_version": version}))
}

fn gateway(value: &Value) -> Converted {
    let members = members(value, &["network_id", "enable_snat", "external_fixed_ips", "qos_policy_id"])?;
    let mut gateway = Map::new();
    let Some(network) = members.get("network_id") else {
        if members.is_empty() {
            return Ok(Value::Null);
        }
        return invalid("Validation of dictionary's keys failed. Expected keys: ['network_id']");
    };
    gateway.insert("network_id".to_owned(), uuid(network)?);
    if let Some(snat) = members.get("enable_snat") {
        gateway.insert("enable_snat".to_owned(), boolean(snat)?);
    }
    if let Some(ips) = members.get("external_fixed_ips") {
        gateway.insert("external_fixed_ips".to_owned(), fixed_ips(ips)?);
    }
    Ok(Value::Object(gateway))
}

fn port_number(value: &Value) -> Converted {
    match whole(value) {
        Some(number @ 0..=65535) => Ok(Value::from(number)),
        _ if value.as_str() == Some("") => Ok(Value::Null),
        _ => Err(Invalid::Conversion(format!("Invalid value for port {}", python::str(value)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(kind: Kind, value: Value) -> String {
        match kind.convert(&value).unwrap_err() {
            Invalid::Value(reason) | Invalid::Conversion(reason) => reason,
        }
    }

    #[test]
    fn values_are_normalised() {
        let same = |kind: Kind, value: Value, wanted: Value| assert_eq!(kind.convert(&value).unwrap(), wanted);
        same(Kind::Bool, json!("True"), json!(true));
        same(Kind::Mac, json!("FA-16-3E-00-00-01"), json!("fa:16:3e:00:00:01"));
        same(Kind::Cidr, json!("2001:DB8::/64"), json!("2001:db8::/64"));
        same(Kind::Routes, Value::Null, json!([]));
        same(Kind::Gateway, json!({}), Value::Null);
        same(Kind::PortNumber, json!("22"), json!(22));
        same(Kind::IpVersion, json!("6"), json!(6));
    }

    #[test]
    fn reasons_are_neutrons() {
        assert_eq!(reason(Kind::Text(3), json!("long")), "'long' exceeds maximum length of 3");
        assert_eq!(reason(Kind::Uuid, json!("x")), "'x' is not a valid UUID");
        assert_eq!(
            reason(Kind::Cidr, json!("10.0.0.1/24")),
            "'10.0.0.1/24' isn't a recognized IP subnet cidr, '10.0.0.0/24' is recommended"
        );
        assert_eq!(reason(Kind::Cidr, json!("10.0.0.0")), "'10.0.0.0' is not a valid IP subnet");
        assert_eq!(reason(Kind::OneOf(&["a", "b"]), json!("c")), "'c' is not in ('a', 'b')");
        assert_eq!(reason(Kind::Nameservers, json!(["1.1.1.1", "1.1.1.1"])), "Duplicate nameserver '1.1.1.1'");
        assert!(reason(Kind::DnsDomain, json!("a b.example\nport=0")).contains("not a valid PQDN or FQDN"));
        assert!(Kind::DnsDomain.convert(&json!("cloud.example.")).is_ok());
        let option = |name: &str, value: &str| json!([{"opt_name": name, "opt_value": value}]);
        assert!(reason(Kind::DhcpOptions, option("a,b", "x")).contains("not a valid DHCP option"));
        assert!(reason(Kind::DhcpOptions, option("router", "x\ny")).contains("not a valid value"));
        assert_eq!(reason(Kind::Routes, json!("x")), "'x' is not a list");
    }
}
