//! Addresses: never the same twice, none lost, none left in the end.

use std::collections::{BTreeMap, BTreeSet};

use bus::topics::network_spec::FixedIp;
use kit::Timestamp;
use kit::ids::{PortId, ProjectId};
use proptest::prelude::*;
use serde_json::{Value, json};
use store::{Connection, query};

use super::world;
use crate::change::{Change, Settings, ports, subnets};
use crate::db::{self, addresses};
use crate::domain::address::{address, number};
use crate::domain::attributes::{Verb, read};
use crate::domain::model::Subnet;
use crate::domain::resources::{NETWORK, SUBNET};

/// What is done to a subnet's addresses.
#[derive(Debug, Clone)]
enum Step {
    Next,
    Take(u8),
    GiveBack(prop::sample::Index),
    Pools(u8, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Next),
        2 => (1u8..15).prop_map(Step::Take),
        4 => any::<prop::sample::Index>().prop_map(Step::GiveBack),
        1 => (2u8..15, 2u8..15).prop_map(|(a, b)| Step::Pools(a.min(b), a.max(b))),
    ];
    prop::collection::vec(step, 1..60)
}

fn object(value: &Value) -> &serde_json::Map<String, Value> {
    value.as_object().unwrap()
}

/// A database in memory with one network, one port and the subnet 10.0.0.0/28.
fn database() -> (Connection, Subnet, PortId) {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(&format!("PRAGMA foreign_keys = ON; {}", crate::MIGRATIONS.steps[0])).unwrap();
    let settings = Settings { mtu: 1500 };
    let mut change = Change {
        db: &db,
        now: Timestamp::UNIX_EPOCH,
        settings: &settings,
        is_admin: true,
        affected: Default::default(),
    };
    let project = ProjectId::new("p");
    let body = read(&NETWORK, object(&json!({})), Verb::Create).unwrap();
    let network = crate::change::networks::create(&mut change, &project, &body).unwrap();
    let port = ports::blank(&network, &project, Timestamp::UNIX_EPOCH);
    db::ports::put(&db, &port).unwrap();
    let body = json!({"network_id": network.id, "ip_version": 4, "cidr": "10.0.0.0/28"});
    let subnet = subnets::create(&mut change, &project, &read(&SUBNET, object(&body), Verb::Create).unwrap()).unwrap();
    (db, subnet, port.id)
}

/// What is free by the table of ranges.
fn free(db: &Connection, subnet: &Subnet) -> Vec<(u128, u128)> {
    let sql = "SELECT first, last FROM network_free WHERE subnet_id = ?1 ORDER BY first";
    query::all(db, sql, [subnet.id.as_str()], addresses::range).unwrap().iter().map(|r| (r.first, r.last)).collect()
}

/// The invariant: free = pools − taken, as ranges that neither overlap nor touch.
fn check(db: &Connection, subnet: &Subnet, taken: &BTreeSet<u128>) {
    let ranges = free(db, subnet);
    assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0), "{ranges:?} overlap or touch");
    let free: BTreeSet<u128> = ranges.iter().flat_map(|(first, last)| *first..=*last).collect();
    let pools: BTreeSet<u128> = subnet.pools.iter().flat_map(|pool| pool.first..=pool.last).collect();
    assert_eq!(free, pools.difference(taken).copied().collect());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_address_is_given_twice_and_none_is_lost(steps in steps()) {
        let (db, mut subnet, port) = database();
        let base = number(subnet.cidr.network());
        let mut taken: BTreeSet<u128> = BTreeSet::new();
        for (position, step) in (0_i64..).zip(steps) {
            match step {
                Step::Next => {
                    let given = addresses::take_next(&db, &subnet, &port, position).unwrap();
                    match given {
                        Some(ip) => {
                            assert!(subnet.pools.iter().any(|pool| pool.contains(number(ip))));
                            assert!(taken.insert(number(ip)), "{ip} was given twice");
                        }
                        None => assert!(free(&db, &subnet).is_empty()),
                    }
                }
                Step::Take(offset) => {
                    let ip = address(base + u128::from(offset), false);
                    let given = addresses::take(&db, &subnet.id, ip, &port, position).unwrap();
                    assert_eq!(given, taken.insert(number(ip)));
                }
                Step::GiveBack(index) => {
                    let Some(freed) = (!taken.is_empty()).then(|| *index.get(&taken.iter().collect::<Vec<_>>())).copied() else { continue };
                    taken.remove(&freed);
                    let fixed = FixedIp { subnet_id: subnet.id.clone(), ip_address: address(freed, false) };
                    addresses::give_back(&db, &fixed).unwrap();
                }
                Step::Pools(first, last) => {
                    let range = |n: u8| base + u128::from(n);
                    subnet.pools = vec![crate::domain::address::Range { first: range(first), last: range(last) }];
                    db::subnets::put(&db, &subnet).unwrap();
                    addresses::rebuild_free(&db, &subnet).unwrap();
                }
            }
            check(&db, &subnet, &taken);
        }
    }
}

#[test]
fn an_address_that_was_given_back_is_not_given_out_again_at_once() {
    let (db, subnet, port) = database();
    let take = |position| addresses::take_next(&db, &subnet, &port, position).unwrap().unwrap();
    let first = take(0);
    addresses::give_back(&db, &FixedIp { subnet_id: subnet.id.clone(), ip_address: first }).unwrap();
    assert_ne!(take(0), first);
}

#[tokio::test]
async fn a_full_network_says_so_and_a_bulk_request_takes_all_or_nothing() {
    let world = world().await;
    let (network, _) = world.network("10.0.0.0/29").await;
    let port = json!({"network_id": network});
    let ports = |count: usize| json!({"ports": vec![port.clone(); count]});
    let refused = world.refused("member", "POST", "/ports", ports(6)).await;
    let text = format!("No more IP addresses available on network {network}.");
    assert_eq!(refused, (409, "IpAddressGenerationFailure".to_owned(), text));
    assert_eq!(world.get("member", "/ports").await["ports"], json!([]), "nothing of the request was kept");
    let answer = world.call("member", "POST", "/ports", ports(5)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let mut addresses = BTreeMap::new();
    for port in answer.json()["ports"].as_array().unwrap() {
        addresses.insert(port["fixed_ips"][0]["ip_address"].to_string(), port["mac_address"].to_string());
    }
    assert_eq!(addresses.len(), 5, "five ports have five addresses: {addresses:?}");
}

#[tokio::test]
async fn a_hundred_racing_creates_do_not_go_over_the_quota() {
    let world = std::sync::Arc::new(world().await);
    let (network, _) = world.network("10.0.0.0/16").await;
    let answer = world.call("admin", "PUT", "/quotas/project", json!({"quota": {"port": 10}})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (world, network) = (world.clone(), network.clone());
        racing.spawn(async move {
            let answer = world.call("member", "POST", "/ports", json!({"port": {"network_id": network}})).await;
            (answer.status, answer.json()["NeutronError"]["message"].clone())
        });
    }
    let mut made = 0;
    while let Some(answer) = racing.join_next().await {
        match answer.unwrap() {
            (201, _) => made += 1,
            (status, text) => assert_eq!((status, text), (409, json!("Quota exceeded for resources: ['port']."))),
        }
    }
    assert_eq!(made, 10);
    let details = world.get("member", "/quotas/project/details").await;
    assert_eq!(details["quota"]["port"], json!({"limit": 10, "used": 10, "reserved": 0}));
}

#[tokio::test]
async fn automatic_addresses_follow_from_the_mac() {
    let world = world().await;
    let (network, v4) = world.network("10.0.0.0/24").await;
    let body = json!({
        "network_id": network, "ip_version": 6, "cidr": "2001:db8::/64",
        "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac",
    });
    let v6 = world.make("member", "/subnets", "subnet", body).await;
    let body = json!({"network_id": network, "mac_address": "fa:16:3e:12:34:56"});
    let port = world.make("member", "/ports", "port", body).await;
    let wanted = json!([
        {"subnet_id": v4, "ip_address": "10.0.0.2"},
        {"subnet_id": v6["id"], "ip_address": "2001:db8::f816:3eff:fe12:3456"},
    ]);
    assert_eq!(port["fixed_ips"], wanted);
    // The subnet can go although the port has an address of it, and takes it along.
    let path = format!("/subnets/{}", v6["id"].as_str().unwrap());
    assert_eq!(world.call("member", "DELETE", &path, Value::Null).await.status, 204);
    let port = world.get("member", &format!("/ports/{}", port["id"].as_str().unwrap())).await;
    assert_eq!(port["port"]["fixed_ips"].as_array().unwrap().len(), 1);
}
