//! What clients send that they should not: each is told so, and nothing breaks.

use hyper::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::client::Client;
use crate::scenery;
use crate::world::{World, within};

/// Where each service takes JSON.
const CREATES: &[(&str, &str)] = &[
    ("/identity/v3/projects", "project"),
    ("/compute/v2.1/servers", "server"),
    ("/image/v2/images", ""),
    ("/network/v2.0/networks", "network"),
    ("/volume/v3/volumes", "volume"),
];

async fn send(client: &Client, path: &str, body: impl Into<bytes::Bytes>) -> crate::client::Answer {
    client.call(Method::POST, path).bytes("application/json", body).send().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_json_is_a_400_in_each_services_words() {
    let world = World::start().await;
    for (path, key) in CREATES {
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        let nested = format!("{{\"{key}\": {}{}}}", "{\"a\":".repeat(200), "1".to_owned() + &"}".repeat(200));
        for body in
            ["", "{", "nonsense", "[]", "null", "\"text\"", "{\"a\": 1}", "{\"a\": \"\\ud800\"}", &deep, &nested]
        {
            let answer = send(&world.admin, path, body.to_owned()).await;
            let start: String = body.chars().take(30).collect();
            assert_eq!(answer.status, 400, "{path} {start:?}: {}", answer.text());
            assert!(!answer.text().is_empty(), "{path} {start:?}");
        }
        let answer = send(&world.admin, path, vec![b'{', 0xff, 0xfe, b'}']).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_types_and_names_that_are_too_long_are_refused() {
    let world = World::start().await;
    for (path, key) in CREATES.iter().filter(|(_, key)| !key.is_empty()) {
        for name in [json!(1), json!({}), json!([]), json!("x".repeat(300))] {
            let mut body = json!({ *key: { "name": name } });
            if *key == "volume" {
                body[*key]["size"] = json!(1);
            }
            let answer = world.admin.post(path, body.clone()).await;
            let shown: String = body.to_string().chars().take(60).collect();
            assert!(matches!(answer.status, 400 | 413), "{path} {shown}: {} {}", answer.status, answer.text());
        }
    }
    let negative = json!({ "volume": { "size": -1 } });
    world.admin.post("/volume/v3/volumes", negative).await.expect(400);
    for cidr in ["10.0.0.0/33", "nonsense", "10.0.0.1/24/5", ""] {
        let network = scenery::network(&world.admin, "10.9.0.0/24").await.0;
        let subnet = json!({ "subnet": { "network_id": network, "ip_version": 4, "cidr": cidr } });
        let answer = world.admin.post("/network/v2.0/subnets", subnet).await;
        assert_eq!(answer.status, 400, "{cidr}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_beyond_the_limit_is_refused() {
    let world = World::start().await;
    for (path, _) in CREATES {
        let answer = send(&world.admin, path, format!("{{\"a\": \"{}\"}}", "x".repeat(2 << 20))).await;
        assert!(matches!(answer.status, 400 | 413), "{path}: {} {}", answer.status, answer.text());
    }
    world.admin.get("/identity/v3/projects").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_that_make_no_sense_are_refused_or_ignored() {
    let world = World::start().await;
    for path in [
        "/compute/v2.1/servers",
        "/compute/v2.1/flavors",
        "/image/v2/images",
        "/network/v2.0/networks",
        "/volume/v3/volumes",
    ] {
        for query in ["limit=-1", "limit=x", "marker=nobody", "sort_key=nonsense", "sort_dir=sideways"] {
            let answer = world.admin.get(&format!("{path}?{query}")).await;
            assert!(matches!(answer.status, 200 | 400 | 404), "{path}?{query}: {} {}", answer.status, answer.text());
        }
        for query in ["name='%20OR%201=1", "name=%00", "name=%ff", "a=b&a=c", "&&&==", "%"] {
            let answer = world.admin.get(&format!("{path}?{query}")).await;
            assert!(answer.status < 500, "{path}?{query}: {} {}", answer.status, answer.text());
        }
    }
    let broken = world.admin.get("/compute/v2.1/servers?name=%28").await;
    assert_eq!(broken.status, 400, "an unclosed group is no pattern: {}", broken.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_or_dawdles_harms_nobody() {
    let world = World::start_with(|config| {
        config.api.header_timeout_secs = 1;
        config.api.request_timeout_secs = 1;
    })
    .await;
    let address = world.appliance().public_url().trim_start_matches("http://").to_owned();
    let token = world.admin.token.clone().unwrap();
    let image = json!({ "name": "cut", "disk_format": "raw", "container_format": "bare" });
    let image = crate::world::id_of(&world.admin.post("/image/v2/images", image).await.expect(201));
    let mut upload = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "PUT /image/v2/images/{image}/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\nhalf"
    );
    upload.write_all(head.as_bytes()).await.unwrap();
    drop(upload);
    crate::world::until("the image to take bytes again", || async {
        let shown = world.admin.get(&format!("/image/v2/images/{image}")).await.expect(200);
        if shown["status"] == "queued" { Ok(()) } else { Err(shown["status"].to_string()) }
    })
    .await;
    for start in ["GET /ident", "POST /identity/v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{"] {
        let mut slow = tokio::net::TcpStream::connect(&address).await.unwrap();
        slow.write_all(start.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        within("the connection to be closed", slow.read_to_end(&mut answer)).await.unwrap();
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
    world.admin.get("/identity/v3/projects").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_of_every_form_are_just_not_found() {
    let world = World::start().await;
    for path in [
        "/identity/v3/projects",
        "/compute/v2.1/servers",
        "/compute/v2.1/flavors",
        "/image/v2/images",
        "/network/v2.0/networks",
        "/network/v2.0/ports",
        "/volume/v3/volumes",
    ] {
        for id in ["x", "..", "%2e%2e%2f", "a%00b", "%F0%9F%A6%80", &"9".repeat(300), "' OR '1'='1"] {
            let id = id.replace(' ', "%20");
            let answer = world.admin.get(&format!("{path}/{id}")).await;
            assert!(matches!(answer.status, 300 | 400 | 404), "{path}/{id}: {} {}", answer.status, answer.text());
        }
    }
    let none: Value = world.admin.get("/compute/v2.1/servers/detail?ip=10.0.0.1&name=x").await.expect(200);
    assert_eq!(none["servers"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_service_refuses_in_its_own_envelope() {
    let world = World::start().await;
    let reader = world.person("reader", "reader").await;
    let forbidden = [
        reader.get("/identity/v3/services").await,
        reader.get("/compute/v2.1/os-services").await,
        reader.post("/image/v2/images", json!({ "visibility": "public" })).await,
        reader.post("/network/v2.0/networks", json!({ "network": {} })).await,
        reader.get("/volume/v3/os-services").await,
    ];
    let shapes = forbidden.iter().map(|answer| {
        let body = answer.expect(403);
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(",");
        let (outer, inner) = (keys(&body), body.as_object().unwrap().values().next().unwrap().clone());
        if inner.is_object() { format!("{outer}: {}", keys(&inner)) } else { outer }
    });
    assert_eq!(
        shapes.collect::<Vec<_>>(),
        [
            "error: code,message,title",
            "forbidden: code,message",
            "code,message,title",
            "NeutronError: detail,message,type",
            "forbidden: code,message",
        ]
    );
}
