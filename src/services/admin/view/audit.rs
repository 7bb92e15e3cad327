//! A record in the form of CADF (DMTF DSP0262), as OpenStack's services write theirs.

use http_kit::audit::Party;
use serde_json::{Map, Value, json};

use crate::db::audit::Kept;

/// `kept` as a CADF event. What is not known is left out.
pub(crate) fn event(kept: &Kept) -> Value {
    let event = &kept.event;
    json!({
        "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event",
        "id": kept.id,
        "eventType": "activity",
        "eventTime": kit::time::micros_z(event.at),
        "action": event.action,
        "outcome": if event.succeeded() { "success" } else { "failure" },
        "reason": { "reasonType": "HTTP", "reasonCode": event.status.to_string() },
        "initiator": initiator(kept),
        "target": resource(&event.target_type, &event.target),
        "observer": { "typeURI": format!("service/{}", event.service), "name": event.service_name },
        "requestPath": event.path,
        "request_id": &*event.request_id,
    })
}

fn initiator(kept: &Kept) -> Value {
    let event = &kept.event;
    let mut shown = resource("service/security/account/user", &event.initiator);
    let known = [
        ("project_id", &event.project.id),
        ("project_name", &event.project.name),
        ("domain_id", &event.domain.id),
        ("domain_name", &event.domain.name),
    ];
    for (key, value) in known {
        put(&mut shown, key, value.as_deref());
    }
    let mut host = Map::new();
    put(&mut host, "address", event.address.map(|address| address.to_string()).as_deref());
    put(&mut host, "agent", event.agent.as_deref());
    if !host.is_empty() {
        shown.insert("host".to_owned(), Value::Object(host));
    }
    Value::Object(shown)
}

fn resource(kind: &str, party: &Party) -> Map<String, Value> {
    let mut shown = Map::new();
    put(&mut shown, "typeURI", Some(kind));
    put(&mut shown, "id", party.id.as_deref());
    put(&mut shown, "name", party.name.as_deref());
    shown
}

fn put(object: &mut Map<String, Value>, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        object.insert(key.to_owned(), Value::from(value));
    }
}
