//! A router's rules and legs.

use super::*;
use crate::drivers::samples;

#[test]
fn nat_is_one_transaction_over_two_maps() {
    insta::assert_snapshot!(nat(&Names::fallback(), &samples::router()));
}

#[test]
fn without_a_gateway_there_is_no_table() {
    let router = RouterSpec { gateway: None, floating_ips: vec![], ..samples::router() };
    insta::assert_snapshot!(nat(&Names::fallback(), &router));
}

#[test]
fn floating_ips_are_addresses_of_the_outer_leg() {
    let legs = legs(&Names::fallback(), &Desired::default(), &samples::router());
    let outer = legs.last().unwrap();
    let addresses: Vec<String> = outer.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["172.24.4.5/24", "172.24.4.50/32"]);
}

#[test]
fn a_floating_ip_that_leads_elsewhere_is_lost() {
    let before = samples::router();
    let mut now = before.clone();
    assert!(lost_floating_ips(&before, &now).is_empty());
    now.floating_ips[0].fixed_ip_address = "10.0.0.11".parse().unwrap();
    assert_eq!(lost_floating_ips(&before, &now), ["172.24.4.50".parse::<IpAddr>().unwrap()]);
}
