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

#[tokio::test]
async fn a_region_goes_with_those_below_it() {
    let cloud = Cloud::start().await;
    for (region, parent) in [("Land", None), ("City", Some("Land")), ("Street", Some("City"))] {
        let body = json!({"region": {"id": region, "parent_region_id": parent, "description": null, "color": "red"}});
        let made = cloud.admin(201, "POST", "/regions", body).await["region"].clone();
        assert_eq!(
            made,
            json!({
                "id": region, "parent_region_id": parent, "description": "", "color": "red",
                "links": {"self": format!("http://cloud.test/identity/v3/regions/{region}")},
            })
        );
    }
    let below = cloud.admin(200, "GET", "/regions?parent_region_id=Land", Value::Null).await;
    assert_eq!((below["regions"].as_array().unwrap().len(), &below["regions"][0]["id"]), (1, &json!("City")));
    cloud.admin(400, "GET", "/regions?limit=1", Value::Null).await;
    for (method, path, body, status) in [
        ("PATCH", "/regions/City", json!({"region": {"id": "Town"}}), 400),
        ("PATCH", "/regions/City", json!({"region": {"id": "City", "parent_region_id": "Nowhere"}}), 404),
        ("PUT", "/regions/Town", json!({"region": {"id": "City"}}), 400),
        ("PUT", "/regions/Town", json!({"region": {"parent_region_id": "Nowhere"}}), 404),
        ("PATCH", "/regions/Land", json!({"region": {"parent_region_id": "Street"}}), 400),
        ("PATCH", "/regions/Land", json!({"region": {"parent_region_id": "Land"}}), 400),
    ] {
        cloud.admin(status, method, path, body).await;
    }
    let service = cloud.admin(201, "POST", "/services", json!({"service": {"type": "t"}})).await;
    let endpoint = json!({"endpoint": {"service_id": service["service"]["id"], "interface": "public", "url": "http://a",
                                       "region_id": "Street"}});
    let endpoint = id(&cloud.admin(201, "POST", "/endpoints", endpoint).await["endpoint"]);
    let refused = cloud.call(&cloud.admin, "DELETE", "/regions/Land", Value::Null).await;
    let expected = "Unable to delete region Land because it or its child regions have associated endpoints.";
    assert_eq!((refused.status, message(&refused).as_str()), (403, expected));
    cloud.admin(204, "DELETE", &format!("/endpoints/{endpoint}"), Value::Null).await;
    cloud.admin(204, "DELETE", "/regions/Land", Value::Null).await;
    for region in ["Land", "City", "Street"] {
        cloud.admin(404, "GET", &format!("/regions/{region}"), Value::Null).await;
    }
}

#[tokio::test]
async fn services_and_endpoints_are_filtered_and_paged() {
    let cloud = Cloud::start().await;
    let count = |path: &'static str| {
        let cloud = &cloud;
        async move {
            let listed = cloud.admin(200, "GET", path, Value::Null).await;
            let kind = if path.starts_with("/services") { "services" } else { "endpoints" };
            listed[kind].as_array().unwrap().len()
        }
    };
    for (path, expected) in [
        ("/services?type=compute", 1),
        ("/services?name__istartswith=N", 2),
        ("/services?name__endswith=der", 1),
        ("/services?type=compute&name=glance", 0),
        ("/services?enabled=false", 6),
        ("/endpoints?interface=public&region_id=RegionOne", 6),
        ("/endpoints?region_id=nowhere", 0),
        ("/endpoints?limit=5", 5),
    ] {
        assert_eq!(count(path).await, expected, "{path}");
    }
    cloud.admin(400, "GET", "/endpoints?interface=nope", Value::Null).await;
    let first = cloud.admin(200, "GET", "/services?limit=4", Value::Null).await;
    assert_eq!(first["truncated"], json!(true));
    let next = first["links"]["next"].as_str().unwrap().strip_prefix("http://cloud.test/identity/v3").unwrap();
    let second = cloud.admin(200, "GET", next, Value::Null).await;
    assert_eq!(second["services"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_service_and_an_endpoint_keep_their_id_and_what_else_they_are_given() {
    let cloud = Cloud::start().await;
    let made = cloud.admin(201, "POST", "/services", json!({"service": {"type": "t", "color": "red"}})).await;
    let service = id(&made["service"]);
    assert_eq!((&made["service"]["name"], &made["service"]["color"]), (&json!(""), &json!("red")));
    let path = format!("/services/{service}");
    let changed = cloud.admin(200, "PATCH", &path, json!({"service": {"size": 1, "id": service}})).await;
    assert_eq!((&changed["service"]["color"], &changed["service"]["size"]), (&json!("red"), &json!(1)));
    let refused = cloud.call(&cloud.admin, "PATCH", &path, json!({"service": {"id": "x"}})).await;
    assert_eq!((refused.status, message(&refused).as_str()), (400, "Cannot change ID"));
    for body in
        [json!({}), json!({"type": ""}), json!({"type": "t", "name": ""}), json!({"type": "t", "enabled": "yes"})]
    {
        cloud.admin(400, "POST", "/services", json!({ "service": body })).await;
    }
    let url =
        |url: &str| json!({"endpoint": {"service_id": service, "interface": "internal", "url": url, "name": "n"}});
    let made = cloud.admin(201, "POST", "/endpoints", url("http://a/$(tenant_id)s")).await["endpoint"].clone();
    assert_eq!((&made["region"], &made["region_id"], &made["name"]), (&Value::Null, &Value::Null, &json!("n")));
    let wrong = cloud.call(&cloud.admin, "POST", "/endpoints", url("http://a/$(nope)s")).await;
    let expected = "Cannot create an endpoint with an invalid URL: http://a/$(nope)s.";
    assert_eq!((wrong.status, message(&wrong).as_str()), (400, expected));
    let path = format!("/endpoints/{}", id(&made));
    cloud.admin(400, "PATCH", &path, json!({"endpoint": {"id": "x"}})).await;
    cloud.admin(400, "PATCH", &path, json!({"endpoint": {"service_id": "x"}})).await;
    cloud.admin(400, "PATCH", &path, json!({"endpoint": {"region_id": "x"}})).await;
    let off = cloud.admin(200, "PATCH", &path, json!({"endpoint": {"enabled": false}})).await;
    assert_eq!((&off["endpoint"]["enabled"], &off["endpoint"]["url"]), (&json!(false), &made["url"]));
}
