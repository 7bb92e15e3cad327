//! What the body of `POST /servers` asks for, as far as it can be told without looking anything up.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bus::topics::compute_types::RequestedNetwork;
use bus::topics::network::NetworkRequest;
use http_kit::Request;
use kit::ids::{FlavorId, HostId, ImageId};
use kit::{Fault, Secret};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::integer;
use crate::domain::address;
use crate::domain::boot::Placement;
use crate::domain::disks::{Mapping, Mappings, truth};
use crate::domain::naming;

/// The body, as the schema let it through.
#[derive(Deserialize)]
struct Body {
    server: Server,
    #[serde(rename = "os:scheduler_hints")]
    hints: Option<Map<String, Value>>,
    #[serde(rename = "OS-SCH-HNT:scheduler_hints")]
    older_hints: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Group {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Network {
    uuid: Option<String>,
    port: Option<String>,
    fixed_ip: Option<IpAddr>,
    tag: Option<String>,
}

#[derive(Deserialize)]
struct Server {
    name: String,
    #[serde(rename = "imageRef")]
    image: Option<String>,
    #[serde(rename = "flavorRef")]
    flavor: Value,
    #[serde(default)]
    networks: Value,
    key_name: Option<String>,
    user_data: Option<String>,
    #[serde(default)]
    config_drive: Value,
    security_groups: Option<Vec<Group>>,
    block_device_mapping: Option<Vec<Mapping>>,
    block_device_mapping_v2: Option<Vec<Mapping>>,
    availability_zone: Option<String>,
    #[serde(default)]
    min_count: Value,
    #[serde(default)]
    max_count: Value,
    #[serde(default)]
    return_reservation_id: Value,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(rename = "adminPass")]
    password: Option<String>,
    #[serde(default)]
    description: Option<String>,
    tags: Option<Vec<String>>,
    hostname: Option<String>,
    #[serde(rename = "OS-DCF:diskConfig")]
    disk_config: Option<String>,
    #[serde(rename = "accessIPv4")]
    access_ip_v4: Option<String>,
    #[serde(rename = "accessIPv6")]
    access_ip_v6: Option<String>,
    host: Option<String>,
    hypervisor_hostname: Option<String>,
}

/// What is asked for.
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) hostname: Option<String>,
    pub(super) image: Option<ImageId>,
    pub(super) flavor: FlavorId,
    pub(super) networks: NetworkRequest,
    pub(super) key_name: Option<String>,
    pub(super) user_data: Option<Secret>,
    pub(super) config_drive: bool,
    pub(super) security_groups: Vec<String>,
    pub(super) mappings: Mappings,
    /// Whether the client mapped any disk itself.
    pub(super) has_mappings: bool,
    /// `availability_zone`.
    pub(super) placement: Placement,
    /// `host` or `hypervisor_hostname` (2.74).
    pub(super) destination: Option<HostId>,
    pub(super) min_count: i64,
    pub(super) max_count: i64,
    pub(super) return_reservation_id: bool,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) password: Secret,
    pub(super) tags: Vec<String>,
    pub(super) disk_config: String,
    pub(super) access_ip_v4: Option<String>,
    pub(super) access_ip_v6: Option<String>,
    pub(super) hints: BTreeMap<String, Vec<String>>,
}

impl Asked {
    /// Reads the body.
    ///
    /// # Errors
    /// A 400 in Nova's words.
    pub(super) fn parse(request: &Request) -> Result<Self, Fault> {
        let body: Body = request.json()?;
        let server = body.server;
        let name = server.name.trim().to_owned();
        let min_count = integer(&server.min_count).unwrap_or(1);
        let max_count = integer(&server.max_count).unwrap_or(min_count);
        if min_count > max_count {
            return Err(Fault::bad_request("min_count must be <= max_count"));
        }
        if let Some(data) = &server.user_data
            && BASE64_STANDARD.decode(data.split_ascii_whitespace().collect::<String>()).is_err()
        {
            return Err(Fault::bad_request("User data needs to be valid base 64."));
        }
        let image = server.image.filter(|image| !image.is_empty()).map(ImageId::from);
        let (mappings, has_mappings) = mappings(server.block_device_mapping, server.block_device_mapping_v2)?;
        if image.is_none() && !has_mappings {
            return Err(Fault::bad_request("Missing imageRef attribute"));
        }
        if server.hostname.is_some() && max_count > 1 {
            return Err(Fault::bad_request("Unable to allocate a single hostname to multiple instances"));
        }
        let mut groups: Vec<String> =
            server.security_groups.into_iter().flatten().filter_map(|group| group.name).collect();
        groups.dedup();
        Ok(Self {
            description: if request.version.at_least(2, 19) { server.description } else { Some(name.clone()) },
            hostname: server.hostname,
            image,
            flavor: flavor(&server.flavor),
            networks: networks(server.networks, max_count)?,
            key_name: server.key_name,
            user_data: server.user_data.map(Secret::new),
            config_drive: truth(&server.config_drive),
            security_groups: groups,
            mappings,
            has_mappings,
            placement: Placement::parse(server.availability_zone.as_deref())?,
            destination: server.host.or(server.hypervisor_hostname).map(HostId::from),
            min_count,
            max_count,
            return_reservation_id: truth(&server.return_reservation_id),
            metadata: server.metadata,
            password: Secret::new(server.password.unwrap_or_else(naming::password)),
            tags: server.tags.unwrap_or_default(),
            disk_config: server.disk_config.unwrap_or_else(|| "MANUAL".to_owned()),
            access_ip_v4: server.access_ip_v4,
            access_ip_v6: server.access_ip_v6.map(address::standard),
            hints: hints(body.hints.or(body.older_hints).unwrap_or_default()),
            name,
        })
    }
}

/// A flavor's id, or the last part of a URL that leads to it.
fn flavor(value: &Value) -> FlavorId {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    FlavorId::new(text.rsplit('/').next().unwrap_or_default())
}

fn mappings(legacy: Option<Vec<Mapping>>, v2: Option<Vec<Mapping>>) -> Result<(Mappings, bool), Fault> {
    let (legacy, v2) = (legacy.unwrap_or_default(), v2.unwrap_or_default());
    if !legacy.is_empty() && !v2.is_empty() {
        return Err(Fault::bad_request(
            "Using different block_device_mapping syntaxes is not allowed in the same request.",
        ));
    }
    let any = !legacy.is_empty() || !v2.is_empty();
    Ok((if v2.is_empty() { Mappings::Legacy(legacy) } else { Mappings::V2(v2) }, any))
}

fn networks(value: Value, max_count: i64) -> Result<NetworkRequest, Fault> {
    match value.as_str() {
        Some("none") => return Ok(NetworkRequest::None),
        Some(_) => return Ok(NetworkRequest::Auto),
        None if value.is_null() => return Ok(NetworkRequest::Auto),
        None => {}
    }
    let list: Vec<Network> = serde_json::from_value(value).map_err(|_| Fault::bad_request("Bad networks format"))?;
    if list.is_empty() {
        return Ok(NetworkRequest::Auto);
    }
    list.into_iter().map(|network| one_network(network, max_count)).collect::<Result<_, _>>().map(NetworkRequest::These)
}

fn one_network(network: Network, max_count: i64) -> Result<RequestedNetwork, Fault> {
    let Network { uuid, port, fixed_ip, tag } = network;
    if let Some(port) = port {
        if let Some(address) = fixed_ip {
            return Err(Fault::bad_request(format!(
                "Specified Fixed IP '{address}' cannot be used with port '{port}': the two cannot be specified together."
            )));
        }
        if max_count > 1 {
            return Err(Fault::bad_request(
                "Unable to launch multiple instances with a single configured port ID. Please launch your instance one by \
                 one with different ports.",
            ));
        }
        return Ok(RequestedNetwork { port_id: Some(port.into()), tag, ..RequestedNetwork::default() });
    }
    if fixed_ip.is_some() && max_count > 1 {
        return Err(Fault::bad_request(
            "Failed to launch instances: max_count cannot be greater than 1 if an fixed_ip is specified.",
        ));
    }
    let uuid = uuid.unwrap_or_default();
    if uuid::Uuid::parse_str(&uuid).is_err() {
        return Err(Fault::bad_request(format!("Bad networks format: network uuid is not in proper format ({uuid})")));
    }
    Ok(RequestedNetwork { network_id: Some(uuid.into()), fixed_ip, tag, port_id: None })
}

/// Hints, each a list, as Nova keeps them.
fn hints(asked: Map<String, Value>) -> BTreeMap<String, Vec<String>> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let list = |value: Value| match value {
        Value::Array(items) => items.iter().map(text).collect(),
        other => vec![text(&other)],
    };
    asked.into_iter().map(|(name, value)| (name, list(value))).collect()
}
