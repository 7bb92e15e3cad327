//! Security groups and rules.

use serde_json::{Value, json};

use super::world;

#[tokio::test]
async fn every_project_gets_its_default_group_when_it_first_looks() {
    let world = world().await;
    let groups = world.get("member", "/security-groups").await;
    let groups = groups["security_groups"].as_array().unwrap();
    assert_eq!(groups.len(), 1);
    let mut group = groups[0].clone();
    assert_eq!((&group["name"], &group["description"]), (&json!("default"), &json!("Default security group")));
    let rules = group["security_group_rules"].as_array_mut().unwrap();
    let inward = rules.iter().filter(|rule| rule["remote_group_id"] == groups[0]["id"]).count();
    assert_eq!((rules.len(), inward), (4, 2));
    let keys: Vec<&String> = rules[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "belongs_to_default_sg",
            "created_at",
            "description",
            "direction",
            "ethertype",
            "id",
            "normalized_cidr",
            "port_range_max",
            "port_range_min",
            "project_id",
            "protocol",
            "remote_address_group_id",
            "remote_group_id",
            "remote_ip_prefix",
            "revision_number",
            "security_group_id",
            "standard_attr_id",
            "tags",
            "tenant_id",
            "updated_at"
        ]
    );
    // An administrator's look at a project makes its group too, and he can take it away: Tempest's clean-up.
    let other = world.get("admin", "/security-groups?project_id=elsewhere&name=default").await;
    let other = other["security_groups"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(world.call("admin", "DELETE", &format!("/security-groups/{other}"), Value::Null).await.status, 204);
}

#[tokio::test]
async fn the_default_group_is_protected() {
    let world = world().await;
    let id = world.get("member", "/security-groups").await["security_groups"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/security-groups/{id}");
    let refused = world.refused("member", "DELETE", &path, Value::Null).await;
    let text = "Insufficient rights for removing default security group.";
    assert_eq!(refused, (409, "SecurityGroupCannotRemoveDefault".to_owned(), text.to_owned()));
    let refused =
        world.refused("member", "POST", "/security-groups", json!({"security_group": {"name": "default"}})).await;
    let text = "Default security group already exists.";
    assert_eq!(refused, (409, "SecurityGroupDefaultAlreadyExists".to_owned(), text.to_owned()));
}

#[tokio::test]
async fn rules_are_made_once_and_go_with_their_group() {
    let world = world().await;
    let group = world.make("member", "/security-groups", "security_group", json!({"name": "web"})).await;
    assert_eq!(group["security_group_rules"].as_array().unwrap().len(), 2);
    let body = json!({
        "security_group_id": group["id"], "direction": "ingress", "protocol": "tcp",
        "port_range_min": "80", "port_range_max": 80, "remote_ip_prefix": "10.0.0.5/8",
    });
    let rule = world.make("member", "/security-group-rules", "security_group_rule", body.clone()).await;
    assert_eq!((&rule["remote_ip_prefix"], &rule["normalized_cidr"]), (&json!("10.0.0.5/8"), &json!("10.0.0.0/8")));
    assert_eq!((&rule["ethertype"], &rule["port_range_min"]), (&json!("IPv4"), &json!(80)));
    assert!(rule.get("standard_attr_id").is_none());
    let refused = world.refused("member", "POST", "/security-group-rules", json!({"security_group_rule": body})).await;
    let text = format!("Security group rule already exists. Rule id is {}.", rule["id"].as_str().unwrap());
    assert_eq!(refused, (409, "SecurityGroupRuleExists".to_owned(), text));
    let refused =
        world.refused("stranger", "POST", "/security-group-rules", json!({"security_group_rule": body})).await;
    assert_eq!((refused.0, refused.1.as_str()), (404, "SecurityGroupNotFound"));
    let group = group["id"].as_str().unwrap();
    assert_eq!(world.call("member", "DELETE", &format!("/security-groups/{group}"), Value::Null).await.status, 204);
    let rule = format!("/security-group-rules/{}", rule["id"].as_str().unwrap());
    assert_eq!(world.call("member", "GET", &rule, Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_group_in_use_stays() {
    let world = world().await;
    let (network, _) = world.network("10.0.0.0/24").await;
    let group = world.make("member", "/security-groups", "security_group", json!({"name": "web"})).await;
    let id = group["id"].as_str().unwrap();
    world.make("member", "/ports", "port", json!({"network_id": network, "security_groups": [id]})).await;
    let refused = world.refused("member", "DELETE", &format!("/security-groups/{id}"), Value::Null).await;
    assert_eq!(refused, (409, "SecurityGroupInUse".to_owned(), format!("Security Group {id} in use.")));
}

#[tokio::test]
async fn a_rule_for_or_from_a_group_that_is_not_there_is_404_whatever_its_id_looks_like() {
    let world = world().await;
    let group = world.make("member", "/security-groups", "security_group", json!({"name": "g"})).await;
    for (group, remote) in [(group["id"].clone(), json!("bad_group_id")), (json!("bad_group_id"), Value::Null)] {
        let rule = json!({"security_group_rule": {
            "security_group_id": group, "remote_group_id": remote, "direction": "ingress", "protocol": "tcp",
        }});
        let (status, kind, _) = world.refused("member", "POST", "/security-group-rules", rule).await;
        assert_eq!((status, kind.as_str()), (404, "SecurityGroupNotFound"));
    }
}
