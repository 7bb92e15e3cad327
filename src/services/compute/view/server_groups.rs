//! Server groups, as clients see them.

use serde_json::{Value, json};

use super::Look;
use super::set;
use crate::db::server_groups::ServerGroup;

/// One group.
#[must_use]
pub fn detail(look: &Look, group: &ServerGroup) -> Value {
    let mut view = json!({ "id": group.id, "name": group.name, "members": group.members });
    if look.since(64) {
        set(&mut view, "policy", json!(group.policy));
        set(&mut view, "rules", json!(group.rules));
    } else {
        set(&mut view, "policies", json!([group.policy]));
        set(&mut view, "metadata", json!({}));
    }
    if look.since(13) {
        set(&mut view, "project_id", json!(group.project_id));
        set(&mut view, "user_id", json!(group.user_id));
    }
    view
}
