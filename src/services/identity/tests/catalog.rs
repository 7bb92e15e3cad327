//! Services, endpoints and regions.

use serde_json::{Value, json};

use super::{Cloud, id, message};

#[tokio::test]
async fn what_an_operator_adds_is_in_the_catalog() {
    let cloud = Cloud::start().await;
    let service = json!({"service": {"type": "object-store", "name": "swift", "description": "d"}});
    let service = cloud.admin(201, "POST", "/services", service).await["service"].clone();
    let service_id = id(&service);
    assert_eq!(
        service,
        json!({
            "id": service_id, "type": "object-store", "name": "swift", "enabled": true, "description": "d",
            "links": {"self": format!("http://cloud.test/identity/v3/services/{service_id}")},
        })
    );
    let endpoint = json!({"endpoint": {"service_id": service_id, "interface": "public", "region": "New",
                                       "url": "http://swift/AUTH_$(project_id)s"}});
    let endpoint = cloud.admin(201, "POST", "/endpoints", endpoint).await["endpoint"].clone();
    assert_eq!((&endpoint["region"], &endpoint["region_id"]), (&json!("New"), &json!("New")));
    cloud.admin(200, "GET", "/regions/New", Value::Null).await;
    let project = cloud.validate(&cloud.admin).await.unwrap().project().unwrap().id.to_string();
    let swift = || async {
        let catalog = cloud.admin(200, "GET", "/auth/catalog", Value::Null).await;
        catalog["catalog"].as_array().unwrap().iter().find(|it| it["name"] == "swift").cloned()
    };
    assert_eq!(swift().await.unwrap()["endpoints"][0]["url"], json!(format!("http://swift/AUTH_{project}")));
    let path = format!("/services/{service_id}");
    cloud.admin(200, "PATCH", &path, json!({"service": {"enabled": false}})).await;
    assert!(swift().await.is_none());
    let refused = cloud.call(&cloud.admin, "DELETE", "/regions/New", Value::Null).await;
    assert_eq!(refused.status, 403);
    cloud.admin(204, "DELETE", &path, Value::Null).await;
    cloud.admin(404, "GET", &format!("/endpoints/{}", id(&endpoint)), Value::Null).await;
    cloud.admin(204, "DELETE", "/regions/New", Value::Null).await;
}

#[tokio::test]
async fn regions_are_keystones() {
    let cloud = Cloud::start().await;
    let listed = cloud.admin(200, "GET", "/regions", Value::Null).await;
    assert_eq!(
        listed,
        json!({
            "regions": [{"id": "RegionOne", "description": "", "parent_region_id": null,
                         "links": {"self": "http://cloud.test/identity/v3/regions/RegionOne"}}],
            "links": {"next": null, "self": "http://cloud.test/identity/v3/regions", "previous": null},
        })
    );
    cloud.admin(201, "PUT", "/regions/B", json!({"region": {"parent_region_id": "RegionOne"}})).await;
    let circle =
        cloud.call(&cloud.admin, "PATCH", "/regions/RegionOne", json!({"region": {"parent_region_id": "B"}})).await;
    assert!(message(&circle).contains("would create a circular region hierarchy"), "{}", circle.text());
    let again = cloud.call(&cloud.admin, "POST", "/regions", json!({"region": {"id": "B"}})).await;
    assert_eq!(
        (again.status, message(&again).as_str()),
        (409, "Conflict occurred attempting to store region - Duplicate ID, B..")
    );
}

#[tokio::test]
async fn an_endpoint_names_what_there_is() {
    let cloud = Cloud::start().await;
    let endpoint =
        |service: &str, url: &str| json!({"endpoint": {"service_id": service, "interface": "public", "url": url}});
    let missing = cloud.call(&cloud.admin, "POST", "/endpoints", endpoint("nope", "http://a")).await;
    assert!(message(&missing).starts_with("Expecting to find endpoint service_id in service table."));
    cloud.admin(400, "POST", "/endpoints", endpoint("nope", "no-url")).await;
    let listed = cloud.admin(200, "GET", "/endpoints?interface=admin", Value::Null).await;
    assert_eq!(listed["endpoints"].as_array().unwrap().len(), 6);
}
