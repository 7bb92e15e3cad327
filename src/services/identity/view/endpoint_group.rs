//! Endpoint groups, and their association with projects.

use serde_json::{Value, json};

use crate::domain::endpoint_group::EndpointGroup;

/// An endpoint group.
pub(crate) fn endpoint_group(group: &EndpointGroup, base: &str) -> Value {
    json!({
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "filters": group.filters,
        "links": { "self": format!("{base}/OS-EP-FILTER/endpoint_groups/{}", group.id) },
    })
}

/// That a group was chosen for a project. Keystone's link here is a bare path.
pub(crate) fn of_project(group_id: &str, project_id: &str) -> Value {
    let own = format!("/OS-EP-FILTER/endpoint_groups/{group_id}/projects/{project_id}");
    json!({ "endpoint_group_id": group_id, "project_id": project_id, "links": { "self": own } })
}
