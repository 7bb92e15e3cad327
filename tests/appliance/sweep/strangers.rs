//! Strangers and readers at the doors of real things.
//!
//! A project with one thing of each kind; then every row whose path names things is asked for with their ids: by people of
//! another project, to whom they must not be there, and by a reader of the project itself, who may change nothing. All
//! of it is refused, so nothing happens: what the owner sees afterwards is what he saw before.

use std::collections::{BTreeSet, HashMap};

use http_kit::service::RowInfo;
use serde_json::{Value, json};

use super::{ask_at, rows};
use crate::client::Client;
use crate::scenery::{SERVERS, Tenant, volume_becomes};
use crate::world::{World, id_of};

/// What everybody may know: the quotas that a project has by default, and the roles that a manager gives and takes.
const KNOWN_TO_ALL: [&str; 2] = ["os_compute_api:os-quota-sets:defaults", "identity:get_role"];

/// The ids of a project's things, by the part of a path that stands before them.
struct Things(HashMap<&'static str, String>);

impl Things {
    async fn new(world: &World, tenant: &Tenant) -> Self {
        let client = &tenant.client;
        let volume = tenant.volume(json!({})).await;
        let server = tenant.boot("one", json!({ "metadata": { "key": "value" } })).await;
        let attach = json!({ "volumeAttachment": { "volumeId": volume } });
        client.post(&format!("{SERVERS}/{server}/os-volume_attachments"), attach).await.expect(200);
        volume_becomes(client, &volume, "in-use").await;
        let made = async |path: &str, kind: &str, body: Value| {
            id_of(&client.post(&format!("/network/v2.0/{path}"), json!({ kind: body })).await.expect(201)[kind])
        };
        let ports = client.get(&format!("/network/v2.0/ports?device_id={server}")).await.expect(200);
        let subnets = client.get(&format!("/network/v2.0/subnets?network_id={}", tenant.network)).await.expect(200);
        let external = client.get("/network/v2.0/networks?router:external=true").await.expect(200);
        let floating = json!({ "floating_network_id": external["networks"][0]["id"] });
        let group = json!({ "server_group": { "name": "g", "policies": ["affinity"] } });
        let group = client.post("/compute/v2.1/os-server-groups", group).await.expect(200);
        let rules = client.get("/network/v2.0/security-group-rules").await.expect(200);
        let groups = client.get("/network/v2.0/security-groups").await.expect(200);
        let attachments = client.speaking("volume 3.27").get("/volume/v3/attachments").await.expect(200);
        let role = world.role("member").await;
        Self(HashMap::from([
            ("images", tenant.image.clone()),
            ("networks", tenant.network.clone()),
            ("ports", id_of(&ports["ports"][0])),
            ("os-interface", id_of(&ports["ports"][0])),
            ("subnets", id_of(&subnets["subnets"][0])),
            ("routers", made("routers", "router", json!({ "name": "r" })).await),
            ("floatingips", made("floatingips", "floatingip", floating).await),
            ("security-groups", id_of(&groups["security_groups"][0])),
            ("security-group-rules", id_of(&rules["security_group_rules"][0])),
            ("os-server-groups", id_of(&group["server_group"])),
            ("attachments", id_of(&attachments["attachments"][0])),
            ("volumes", volume.clone()),
            ("os-volume_attachments", volume),
            ("metadata", "key".to_owned()),
            ("tags", "tag".to_owned()),
            ("ips", "net".to_owned()),
            ("servers", server),
            ("projects", client.project().to_owned()),
            ("os-quota-sets", client.project().to_owned()),
            ("quotas", client.project().to_owned()),
            ("users", client.user().to_owned()),
            ("roles", role),
        ]))
    }

    /// The row's path with the ids of these; nothing where it names something else, or nothing at all.
    fn path(&self, row: &RowInfo) -> Option<String> {
        let mut path = row.prefix.clone();
        let mut before = "";
        for part in row.path.split('/').filter(|part| !part.is_empty()) {
            path.push('/');
            path.push_str(if part.starts_with('{') { self.0.get(before)? } else { part });
            before = part;
        }
        row.path.contains('{').then_some(path)
    }
}

/// What the owner sees of his things, as far as it does not change by itself.
async fn seen(client: &Client, rows: &[RowInfo], things: &Things) -> Vec<String> {
    let mut seen = Vec::new();
    for row in rows.iter().filter(|row| row.method == "GET" && row.service != "keystone" && row.until.is_none()) {
        let Some(path) = things.path(row).filter(|path| !path.ends_with("/file")) else { continue };
        let answer = ask_at(client, row, &path).await;
        if answer.status == 200 {
            seen.push(format!("{path}: {}", answer.text()));
        }
    }
    assert!(seen.len() > 25, "only {} things are seen", seen.len());
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_theirs_is_hidden_from_strangers_and_kept_from_readers() {
    let world = World::start_with(|config| config.bus.wire_checked = false).await;
    let tenant = Tenant::new(&world, "alice").await;
    let things = Things::new(&world, &tenant).await;
    let rows = rows(&world);
    let before = seen(&tenant.client, &rows, &things).await;
    let reader = world.person_in(tenant.client.project(), "reader", "reader").await;
    let strangers = [world.person("bob", "reader").await, world.person("eve", "manager").await];
    let mut open = BTreeSet::new();
    for row in rows.iter().filter(|row| !row.unauthenticated && !KNOWN_TO_ALL.contains(&row.rule)) {
        let Some(path) = things.path(row) else { continue };
        for stranger in &strangers {
            let answer = ask_at(stranger, row, &path).await;
            let changes = row.method != "GET" && row.method != "HEAD";
            let refused = matches!(answer.status, 403 | 404) || (changes && answer.status == 400);
            if !refused {
                open.insert(format!("a stranger: {}: {} {}", row.name(), answer.status, answer.text()));
            }
        }
        let answer = ask_at(&reader, row, &path).await;
        let changes = row.method != "GET" && row.method != "HEAD";
        if changes && !matches!(answer.status, 400 | 403 | 404) {
            open.insert(format!("a reader: {}: {} {}", row.name(), answer.status, answer.text()));
        }
    }
    assert!(open.is_empty(), "{}", open.into_iter().collect::<Vec<_>>().join("\n"));
    assert_eq!(seen(&tenant.client, &rows, &things).await, before);
}
