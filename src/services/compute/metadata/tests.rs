//! What guests read: both trees path by path, the password, and that a config drive says the same.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bus::topics::compute_types::{
    BlockDestination, BlockDevice, BlockSource, KeyRef, SecurityGroupRef, Vif, VifAddress,
};
use bus::topics::metadata::{AnswerMetadata, MetadataAnswer, MetadataFile, RenderConfigDrive};
use kit::Secret;
use kit::ids::PortId;
use proptest::prelude::*;
use serde_json::Value;

use super::{drive, find, tokens};
use crate::db::block_devices;
use crate::db::instances::InstanceRow;
use crate::metadata::Found;
use crate::metadata::guest::Guest;
use crate::placement::fixtures::{Cloud, row};

fn address(text: &str, cidr: &str, dhcp: bool) -> VifAddress {
    VifAddress {
        subnet_id: "n1".into(),
        address: text.parse().unwrap(),
        cidr: cidr.parse().unwrap(),
        gateway: Some(cidr.replace("0/", "1/").split('/').next().unwrap().parse().unwrap()),
        dns: vec!["192.0.2.53".parse().unwrap()],
        routes: vec![("10.9.0.0/16".parse().unwrap(), "10.0.0.9".parse().unwrap())],
        dhcp,
        floating: Vec::new(),
    }
}

fn vif(number: u8, fixed_ips: Vec<VifAddress>) -> Vif {
    Vif {
        port_id: format!("{number}aaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeee00").into(),
        network_id: format!("net{number}").into(),
        label: "private".into(),
        mac: format!("fa:16:3e:00:00:0{number}"),
        mtu: 1450,
        fixed_ips,
        preserve_on_delete: false,
        device: None,
        tag: (number == 1).then(|| "nic1".to_owned()),
    }
}

fn volume() -> BlockDevice {
    BlockDevice {
        id: 0,
        source: BlockSource::Volume,
        destination: BlockDestination::Volume,
        image_id: None,
        snapshot_id: None,
        volume_id: Some("v1".into()),
        size_gb: Some(1),
        volume_type: None,
        delete_on_termination: false,
        boot_index: None,
        device_name: Some("/dev/vdb".into()),
        disk_bus: None,
        device_type: None,
        guest_format: None,
        tag: Some("data".into()),
        attachment_id: None,
        connection: None,
    }
}

fn full() -> InstanceRow {
    let first =
        VifAddress { floating: vec!["203.0.113.7".parse().unwrap()], ..address("10.0.0.5", "10.0.0.0/24", true) };
    InstanceRow {
        key: Some(KeyRef { name: "mykey".into(), key_type: "ssh".into(), public_key: "ssh-ed25519 AAAA me".into() }),
        user_data: Some(Secret::new(STANDARD.encode("#!/bin/sh\necho hello\n"))),
        metadata: BTreeMap::from([("role".to_owned(), "web".to_owned())]),
        security_groups: vec![SecurityGroupRef { id: "sg1".into(), name: "default".into() }],
        network_info: vec![vif(1, vec![first]), vif(2, vec![address("10.1.0.5", "10.1.0.0/24", false)])],
        root_device_name: Some("/dev/vda".into()),
        ..row("s1")
    }
}

async fn cloud(row: InstanceRow) -> Cloud {
    let cloud = Cloud::new();
    cloud.insert(row).await;
    cloud.store.write(|conn| block_devices::insert(conn, &"s1".into(), "b1", &volume())).await.unwrap();
    cloud
}

async fn ask(cloud: &Cloud, method: &str, path: &str, body: &[u8]) -> MetadataAnswer {
    let message = AnswerMetadata {
        server_id: "s1".into(),
        port_id: PortId::new("port"),
        method: method.into(),
        path: path.into(),
        body: body.to_vec(),
    };
    cloud.call(message).await.unwrap()
}

/// The body of a path, or the status that refuses it.
async fn get(cloud: &Cloud, path: &str) -> String {
    let answer = ask(cloud, "GET", path, b"").await;
    if answer.status == 200 { String::from_utf8(answer.body).unwrap() } else { answer.status.to_string() }
}

async fn json(cloud: &Cloud, path: &str) -> Value {
    let answer = ask(cloud, "GET", path, b"").await;
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"), "{path}");
    let mut value: Value = serde_json::from_slice(&answer.body).unwrap();
    if let Some(seed) = value.get_mut("random_seed") {
        assert_eq!(STANDARD.decode(seed.as_str().unwrap()).unwrap().len(), 512);
        *seed = "(512 bytes)".into();
    }
    value
}

#[tokio::test]
async fn the_tree_of_amazons_clients() {
    let cloud = cloud(full()).await;
    let mut pages = Vec::new();
    for path in [
        "/",
        "/latest",
        "/latest/",
        "/latest/meta-data/",
        "/2007-01-19/meta-data",
        "/latest/meta-data/public-keys/",
        "/latest/meta-data/public-keys/0/",
        "/latest/meta-data/public-keys/0/openssh-key",
        "/latest/meta-data/instance-id",
        "/latest/meta-data/ami-id",
        "/latest/meta-data/ami-launch-index",
        "/latest/meta-data/hostname",
        "/latest/meta-data/local-ipv4",
        "/latest/meta-data/public-ipv4",
        "/latest/meta-data/instance-type",
        "/latest/meta-data/reservation-id",
        "/latest/meta-data/security-groups",
        "/latest/meta-data/placement/availability-zone",
        "/latest/meta-data/block-device-mapping/",
        "/latest/meta-data/block-device-mapping/ebs0",
        "//2009-04-04/../latest/./meta-data/block-device-mapping/root?x=1",
        "/ec2/2009-04-04/user-data",
        "/1.0/meta-data/public-ipv4",
        "/latest/meta-data/public-keys/0/_name",
        "/latest/meta-data/nothing",
        "/latest/api/token",
        "/2010-01-01/meta-data",
    ] {
        pages.push(format!("{path}\n    {}", get(&cloud, path).await.replace('\n', "\n    ")));
    }
    insta::assert_snapshot!("ec2", pages.join("\n"));
}

#[tokio::test]
async fn the_tree_of_openstacks_clients() {
    let cloud = cloud(full()).await;
    let mut pages = Vec::new();
    for path in [
        "/openstack",
        "/openstack/",
        "/openstack/2012-08-10",
        "/openstack/2015-10-15/",
        "/openstack/latest",
        "/openstack/latest/user_data",
        "/openstack/latest/vendor_data.json",
        "/openstack/latest/vendor_data2.json",
        "/openstack/2012-08-10/vendor_data.json",
        "/openstack/2015-10-15/vendor_data2.json",
        "/openstack/2013-10-17/network_data.json",
        "/openstack/2099-01-01/meta_data.json",
        "/openstack/latest/meta_data.json/more",
        "/openstack/content/0000",
    ] {
        pages.push(format!("{path}\n    {}", get(&cloud, path).await.replace('\n', "\n    ")));
    }
    insta::assert_snapshot!("openstack", pages.join("\n"));
    insta::assert_json_snapshot!("meta_data", json(&cloud, "/openstack/latest/meta_data.json").await);
    insta::assert_json_snapshot!("meta_data_2012", json(&cloud, "/openstack/2012-08-10/meta_data.json").await);
    insta::assert_json_snapshot!("network_data", json(&cloud, "/openstack/latest/network_data.json").await);
}

#[tokio::test]
async fn what_a_guest_does_not_have_is_not_there() {
    let cloud = cloud(row("s1")).await;
    assert_eq!(get(&cloud, "/openstack/latest/user_data").await, "404");
    assert_eq!(get(&cloud, "/latest/user-data").await, "404");
    assert_eq!(get(&cloud, "/latest").await, "meta-data/");
    assert_eq!(get(&cloud, "/latest/meta-data/public-keys").await, "404");
    assert_eq!(get(&cloud, "/openstack/latest/network_data.json").await, "{}");
    assert!(json(&cloud, "/openstack/latest/meta_data.json").await.get("public_keys").is_none());
    let stranger = AnswerMetadata {
        server_id: "s9".into(),
        port_id: "p".into(),
        method: "GET".into(),
        path: "/".into(),
        body: Vec::new(),
    };
    let answer = cloud.call(stranger).await.unwrap();
    assert_eq!((answer.status, answer.content_type.as_str()), (404, "text/html; charset=UTF-8"));
}

#[tokio::test]
async fn a_guest_posts_its_password_once() {
    let cloud = cloud(full()).await;
    let path = "/openstack/latest/password";
    assert_eq!(get(&cloud, path).await, "");
    assert_eq!(ask(&cloud, "PUT", path, b"x").await.status, 400);
    assert_eq!(ask(&cloud, "POST", path, &[b'x'; 1021]).await.status, 400);
    assert_eq!(ask(&cloud, "POST", path, b"c2VjcmV0").await.status, 200);
    assert_eq!(ask(&cloud, "POST", path, b"other").await.status, 409);
    assert_eq!(get(&cloud, path).await, "c2VjcmV0");
    assert_eq!(get(&cloud, "/openstack/2012-08-10/password").await, "404");
}

/// A file of a drive says what the service answers for its path.
fn assert_agrees(file: &MetadataFile, answered: Option<Vec<u8>>) {
    if let Some(version) = file.path.strip_suffix("meta-data.json") {
        // The service has no such path: there it is a tree.
        assert!(version.starts_with("ec2/"));
        return;
    }
    assert_eq!(answered.as_deref(), Some(file.content.as_slice()), "{}", file.path);
}

#[tokio::test]
async fn a_config_drive_says_what_the_service_answers() {
    let cloud = cloud(full()).await;
    let files = cloud.call(RenderConfigDrive { server_id: "s1".into() }).await.unwrap();
    insta::assert_snapshot!("config_drive", files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>().join("\n"));
    for file in &files {
        let answer = ask(&cloud, "GET", &format!("/{}", file.path), b"").await;
        assert_agrees(file, (answer.status == 200).then_some(answer.body));
    }
    let tree: Value = files
        .iter()
        .find(|file| file.path == "ec2/latest/meta-data.json")
        .map(|file| serde_json::from_slice(&file.content).unwrap())
        .unwrap();
    for (path, value) in leaves(&tree) {
        assert_eq!(get(&cloud, &format!("/latest/meta-data/{path}")).await, value);
    }
    let fault = cloud.call(RenderConfigDrive { server_id: "s9".into() }).await.unwrap_err();
    assert_eq!(fault.message(), "Instance s9 could not be found.");
}

/// The texts of a tree, by path.
fn leaves(tree: &Value) -> Vec<(String, String)> {
    match tree {
        Value::Object(map) => {
            let below = map.iter().flat_map(|(name, value)| {
                leaves(value).into_iter().map(move |(path, text)| (format!("{name}/{path}"), text))
            });
            below.collect()
        }
        Value::Array(items) => {
            let lines: Vec<_> = items.iter().map(|item| item.as_str().unwrap().to_owned()).collect();
            vec![(String::new(), lines.join("\n"))]
        }
        Value::String(text) => vec![(String::new(), text.clone())],
        other => vec![(String::new(), other.to_string())],
    }
}

proptest! {
    #[test]
    fn drive_and_service_agree_whatever_the_server_is(
        name in ".{0,40}",
        user_data in prop::option::of(prop::collection::vec(any::<u8>(), 0..200)),
        metadata in prop::collection::btree_map(".{1,20}", ".{0,40}", 0..4),
        key in prop::option::of("[a-z]{1,8}"),
        interfaces in 0_usize..3,
        dhcp: bool,
    ) {
        let mut server = full();
        server.name = name;
        server.user_data = user_data.map(|data| Secret::new(STANDARD.encode(data)));
        server.metadata = metadata;
        server.key = key.map(|name| KeyRef { name, key_type: "ssh".into(), public_key: "ssh-rsa A".into() });
        server.network_info =
            (0..interfaces).map(|number| vif(number as u8, vec![address("10.0.0.5", "10.0.0.0/24", dhcp)])).collect();
        let guest = Guest { row: server, devices: vec![volume()], seed: vec![7; 32], password: None, vendor_data: serde_json::json!({ "cloud-init": "#cloud-config" }) };
        for file in drive(&guest) {
            let answered = match find(&guest, &file.path) {
                Some(Found::Content(_, body) | Found::Password(body)) => Some(body),
                None => None,
            };
            assert_agrees(&file, answered);
        }
    }

    #[test]
    fn no_path_leads_outside(path in "[a-z./?#%]{0,40}") {
        prop_assert!(tokens(&path).iter().all(|token| !token.is_empty() && *token != ".." && *token != "."));
    }
}
