//! Registered limits and limits.

use kit::config::LimitModel;
use serde_json::{Value, json};

use super::{Cloud, id, message};

async fn service_id(cloud: &Cloud) -> String {
    id(&cloud.admin(200, "GET", "/services?type=compute", Value::Null).await["services"][0])
}

/// Registers limits by name; the id of the first.
async fn register(cloud: &Cloud, service: &str, limits: &[(&str, i64)]) -> String {
    let limits: Value = limits
        .iter()
        .map(|(name, limit)| json!({"service_id": service, "resource_name": name, "default_limit": limit}))
        .collect();
    let made = cloud.admin(201, "POST", "/registered_limits", json!({ "registered_limits": limits })).await;
    id(&made["registered_limits"][0])
}

#[tokio::test]
async fn registered_limits_live_and_die() {
    let cloud = Cloud::start().await;
    let service = service_id(&cloud).await;
    let one = json!({
        "service_id": service, "region_id": "RegionOne", "resource_name": "cores", "default_limit": 10, "description": "d"
    });
    let two = json!({"service_id": service, "resource_name": "cores", "default_limit": -1});
    let body = json!({"registered_limits": [one, two]});
    let made = cloud.admin(201, "POST", "/registered_limits", body.clone()).await;
    assert!(made.get("links").is_none());
    let made = made["registered_limits"].as_array().unwrap().clone();
    let id = id(&made[0]);
    let path = format!("/registered_limits/{id}");
    assert_eq!(
        made[0],
        json!({
            "id": id, "service_id": service, "region_id": "RegionOne", "resource_name": "cores", "default_limit": 10,
            "description": "d", "links": {"self": format!("http://cloud.test/identity/v3{path}")},
        })
    );
    assert_eq!((&made[1]["region_id"], &made[1]["description"]), (&Value::Null, &Value::Null));
    assert_eq!(cloud.admin(200, "GET", &path, Value::Null).await["registered_limit"], made[0]);
    let listed =
        cloud.admin(200, "GET", "/registered_limits?region_id=RegionOne&resource_name=cores", Value::Null).await;
    assert_eq!(listed["registered_limits"], json!([made[0]]));
    let twice = cloud.call(&cloud.admin, "POST", "/registered_limits", body).await;
    assert_eq!(
        (twice.status, message(&twice).as_str()),
        (409, "Conflict occurred attempting to store registered_limit - Duplicate entry.")
    );
    let other = json!({"registered_limit": {"region_id": null}});
    cloud.admin(409, "PATCH", &path, other).await;
    let change = json!({"registered_limit": {"default_limit": 5, "region_id": null, "resource_name": "ram"}});
    let changed = cloud.admin(200, "PATCH", &path, change).await["registered_limit"].clone();
    assert_eq!(
        (&changed["default_limit"], &changed["region_id"], &changed["resource_name"], &changed["description"]),
        (&json!(5), &Value::Null, &json!("ram"), &json!("d"))
    );
    for (status, limit) in [
        (400, json!({"service_id": "nope", "resource_name": "x", "default_limit": 1})),
        (400, json!({"service_id": service, "resource_name": "x", "default_limit": -2})),
        (400, json!({"service_id": service, "resource_name": "x", "default_limit": "1"})),
        (400, json!({"service_id": service, "resource_name": "x", "default_limit": 1, "region_id": "nope"})),
        (400, json!({"service_id": service, "resource_name": "x"})),
    ] {
        cloud.admin(status, "POST", "/registered_limits", json!({"registered_limits": [limit]})).await;
    }
    cloud.quietly("DELETE", &path).await;
    let gone = cloud.call(&cloud.admin, "GET", &path, Value::Null).await;
    assert_eq!((gone.status, message(&gone)), (404, format!("Could not find registered limit for {id}.")));
}

#[tokio::test]
async fn a_limit_refers_to_a_registered_one() {
    let cloud = Cloud::start().await;
    let (service, web) = (service_id(&cloud).await, cloud.project("web").await);
    let limit = json!({"service_id": service, "resource_name": "cores", "resource_limit": 5, "project_id": web});
    let body = |limits: &[&Value]| json!({ "limits": limits });
    let early = cloud.call(&cloud.admin, "POST", "/limits", body(&[&limit])).await;
    assert_eq!(
        (early.status, message(&early).as_str()),
        (403, "Unable to create a limit that has no corresponding registered limit.")
    );
    let registered = register(&cloud, &service, &[("cores", 10), ("ram", 10)]).await;
    let wrong = json!({"service_id": service, "resource_name": "disk", "resource_limit": 5, "project_id": web});
    cloud.admin(403, "POST", "/limits", body(&[&limit, &wrong])).await;
    let made = cloud.admin(201, "POST", "/limits", body(&[&limit])).await;
    let id = id(&made["limits"][0]);
    let path = format!("/limits/{id}");
    let mut expected = json!({
        "id": id, "service_id": service, "region_id": null, "resource_name": "cores", "resource_limit": 5,
        "project_id": web, "domain_id": null, "description": null,
        "links": {"self": format!("http://cloud.test/identity/v3{path}")},
    });
    assert_eq!(made, json!({"limits": [expected]}));
    cloud.admin(409, "POST", "/limits", body(&[&limit])).await;
    expected["resource_limit"] = json!(0);
    expected["description"] = json!("none");
    let change = json!({"limit": {"resource_limit": 0, "description": "none"}});
    assert_eq!(cloud.admin(200, "PATCH", &path, change).await["limit"], expected);
    let listed = cloud.admin(200, "GET", &format!("/limits?project_id={web}&resource_name=cores"), Value::Null).await;
    assert_eq!(listed["limits"], json!([expected]));
    for (method, change) in [("PATCH", json!({"registered_limit": {"default_limit": 3}})), ("DELETE", Value::Null)] {
        let refused = cloud.call(&cloud.admin, method, &format!("/registered_limits/{registered}"), change).await;
        assert_eq!(refused.status, 403);
        assert!(message(&refused).starts_with("Unable to update or delete registered limit"));
    }
    let of_domain =
        json!({"service_id": service, "resource_name": "ram", "resource_limit": 3, "project_id": "default"});
    let made = cloud.admin(201, "POST", "/limits", body(&[&of_domain])).await;
    assert_eq!((&made["limits"][0]["domain_id"], &made["limits"][0]["project_id"]), (&json!("default"), &Value::Null));
    let both = json!({
        "service_id": service, "resource_name": "ram", "resource_limit": 3, "project_id": web, "domain_id": "default"
    });
    cloud.admin(400, "POST", "/limits", body(&[&both])).await;
    cloud.quietly("DELETE", &format!("/projects/{web}")).await;
    let gone = cloud.call(&cloud.admin, "GET", &path, Value::Null).await;
    assert_eq!((gone.status, message(&gone)), (404, format!("Could not find limit for {id}.")));
}

#[tokio::test]
async fn everybody_sees_the_limits_of_its_own_scope() {
    let cloud = Cloud::start().await;
    let service = service_id(&cloud).await;
    register(&cloud, &service, &[("cores", 10)]).await;
    let (alice, bob) = (cloud.member("alice", "reader").await, cloud.member("bob", "reader").await);
    let mut limits = Vec::new();
    for place in [&alice.project, &bob.project] {
        let limit = json!({"service_id": service, "resource_name": "cores", "resource_limit": 5, "project_id": place});
        limits.push(id(&cloud.admin(201, "POST", "/limits", json!({"limits": [limit]})).await["limits"][0]));
    }
    let token = cloud.token("alice", Some(alice.scope)).await;
    let listed = cloud.call(&token, "GET", "/limits", Value::Null).await.json();
    assert_eq!(listed["limits"].as_array().unwrap().len(), 1);
    let model = cloud.call(&token, "GET", "/limits/model", Value::Null).await.json();
    assert_eq!(model["model"]["name"], "flat");
    for (status, method, path) in [
        (200, "GET", format!("/limits/{}", limits[0])),
        (403, "GET", format!("/limits/{}", limits[1])),
        (403, "GET", "/limits/nope".to_owned()),
        (200, "GET", "/registered_limits".to_owned()),
        (403, "DELETE", format!("/limits/{}", limits[0])),
    ] {
        assert_eq!(cloud.call(&token, method, &path, Value::Null).await.status, status, "{method} {path}");
    }
    cloud.quietly("PUT", &format!("/domains/default/users/{}/roles/{}", bob.user, cloud.role("reader").await)).await;
    let token = cloud.token("bob", Some(json!({"domain": {"id": "default"}}))).await;
    let listed = cloud.call(&token, "GET", "/limits", Value::Null).await.json();
    assert_eq!(listed["limits"].as_array().unwrap().len(), 2);
    let unscoped = cloud.token("bob", Some(json!("unscoped"))).await;
    let listed = cloud.call(&unscoped, "GET", "/limits", Value::Null).await.json();
    assert_eq!(listed["limits"], json!([]));
}

#[tokio::test]
async fn in_two_levels_a_project_has_no_more_than_its_domain() {
    let cloud = Cloud::start_with(|config| config.limit_model = LimitModel::StrictTwoLevel).await;
    let service = service_id(&cloud).await;
    register(&cloud, &service, &[("cores", 10), ("ram", 10)]).await;
    let model = cloud.admin(200, "GET", "/limits/model", Value::Null).await;
    assert_eq!(model["model"]["name"], "strict_two_level");
    let web = cloud.project("web").await;
    let project = |name: &str, limit: i64| json!({"service_id": service, "resource_name": name, "resource_limit": limit, "project_id": web});
    let domain = |name: &str, limit: i64| json!({"service_id": service, "resource_name": name, "resource_limit": limit, "domain_id": "default"});
    let over = cloud.call(&cloud.admin, "POST", "/limits", json!({"limits": [project("cores", 11)]})).await;
    assert_eq!(over.status, 403);
    assert!(message(&over).starts_with("Invalid resource limit: The resource limit (project_id: "), "{}", over.text());
    cloud.admin(403, "POST", "/limits", json!({"limits": [project("ram", 21), domain("ram", 20)]})).await;
    cloud.admin(201, "POST", "/limits", json!({"limits": [project("ram", 20), domain("ram", 20)]})).await;
    let made = cloud.admin(201, "POST", "/limits", json!({"limits": [project("cores", 8)]})).await;
    let limit = format!("/limits/{}", id(&made["limits"][0]));
    cloud.admin(403, "POST", "/limits", json!({"limits": [domain("cores", 7)]})).await;
    cloud.admin(403, "PATCH", &limit, json!({"limit": {"resource_limit": 11}})).await;
    cloud.admin(200, "PATCH", &limit, json!({"limit": {"resource_limit": 7}})).await;
    cloud.admin(201, "POST", "/limits", json!({"limits": [domain("cores", 7)]})).await;
    // The tree is no deeper than the model.
    let child = |parent: &str| json!({"project": {"name": format!("below-{parent}"), "parent_id": parent}});
    let below = id(&cloud.admin(201, "POST", "/projects", child(&web)).await["project"]);
    cloud.admin(403, "POST", "/projects", child(&below)).await;
    let shown =
        cloud.admin(200, "GET", &format!("/projects/{below}?parents_as_list&include_limits"), Value::Null).await;
    assert_eq!(shown["project"]["parents"], json!([]));
    let admin = cloud.user_id("admin").await;
    cloud.quietly("PUT", &format!("/projects/{web}/users/{admin}/roles/{}", cloud.role("reader").await)).await;
    let shown =
        cloud.admin(200, "GET", &format!("/projects/{below}?parents_as_list&include_limits"), Value::Null).await;
    let limits = shown["project"]["parents"][0]["project"]["limits"].as_array().unwrap();
    assert_eq!(limits.len(), 2);
    assert!(limits[0].get("links").is_none());
}

#[tokio::test]
async fn other_services_are_told_what_applies_to_a_project() {
    use bus::topics::identity::GetLimits;
    let cloud = Cloud::start().await;
    let (service, web) = (service_id(&cloud).await, cloud.project("web").await);
    register(&cloud, &service, &[("cores", 10), ("ram", -1)]).await;
    let region = json!({"service_id": service, "region_id": "RegionOne", "resource_name": "disk", "default_limit": 2});
    let everywhere = json!({"service_id": service, "resource_name": "disk", "default_limit": 1});
    cloud.admin(201, "POST", "/registered_limits", json!({"registered_limits": [region, everywhere]})).await;
    let limit = json!({"service_id": service, "resource_name": "cores", "resource_limit": 5, "project_id": web});
    cloud.admin(201, "POST", "/limits", json!({"limits": [limit]})).await;
    let ask = async |kind: &str, project: &str| {
        let message = GetLimits { service_type: kind.to_owned(), project_id: project.into() };
        cloud.client.call(&kit::RequestContext::service("image"), bus::Target::Any, message).await.unwrap()
    };
    let named = |limits: [(&str, i64); 3]| limits.map(|(name, limit)| (name.to_owned(), limit)).into();
    assert_eq!(ask("compute", &web).await, named([("cores", 5), ("ram", -1), ("disk", 2)]));
    assert_eq!(ask("compute", "another").await, named([("cores", 10), ("ram", -1), ("disk", 2)]));
    assert!(ask("image", &web).await.is_empty());
}
