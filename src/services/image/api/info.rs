//! `/info/…`: which ways to import and which stores there are.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use serde_json::{Value, json};

use crate::Images;
use crate::backends::file::FileStore;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::get("/info/import", "", &import),
    Endpoint::get("/info/stores", "", &stores),
    Endpoint::get("/info/stores/detail", "stores_info_detail", &detail),
];

async fn import(service: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(json!({ "import-methods": {
        "description": "Import methods available.",
        "type": "array",
        "value": service.config.import_methods,
    }})))
}

async fn stores(service: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    let stores: Vec<Value> = service.stores.all().iter().map(|store| shown(&service, store)).collect();
    Ok(Reply::ok(json!({ "stores": stores })))
}

async fn detail(service: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    /// What Glance's store of files writes at once.
    const CHUNK: u32 = 64 * 1024;
    let detailed = |store: &Arc<FileStore>| {
        let mut shown = shown(&service, store);
        if let Value::Object(shown) = &mut shown {
            let properties = json!({
                "data_dir": store.directory().display().to_string(),
                "chunk_size": CHUNK,
                // Zeros of an image take no room.
                "thin_provisioning": true,
            });
            shown.insert("type".to_owned(), "file".into());
            shown.insert("properties".to_owned(), properties);
            shown.insert("weight".to_owned(), 0.into());
        }
        shown
    };
    let stores: Vec<Value> = service.stores.all().iter().map(detailed).collect();
    Ok(Reply::ok(json!({ "stores": stores })))
}

fn shown(service: &Images, store: &FileStore) -> Value {
    let mut shown = serde_json::Map::new();
    shown.insert("id".to_owned(), store.id().into());
    if !store.description().is_empty() {
        shown.insert("description".to_owned(), store.description().into());
    }
    if store.id() == service.stores.default_id() {
        shown.insert("default".to_owned(), "true".into());
    }
    Value::Object(shown)
}

/// Tells whoever made an image how its bytes may come, and where they may go.
pub(super) fn announce(service: &Images, reply: Reply) -> Reply {
    let methods = service.config.import_methods.join(",");
    let reply = if methods.is_empty() { reply } else { reply.header("OpenStack-image-import-methods", methods) };
    reply.header("OpenStack-image-store-ids", service.stores.ids().join(","))
}
