//! Nova's REST API: one file per resource, its rows first, then their handlers, which parse, authorise and answer.

mod availability_zones;
mod extensions;
mod flavor_access;
mod flavor_extra_specs;
mod flavors;
mod hypervisors;
mod instance_actions;
mod interfaces;
mod keypairs;
mod limits;
mod quota_sets;
mod remote_consoles;
mod schemas;
mod server_actions;
mod server_create;
mod server_groups;
mod server_images;
mod server_ips;
pub(crate) mod server_list;
mod server_metadata;
mod server_security_groups;
mod server_tags;
mod servers;
mod services;
mod trace;
mod tunnel;
mod volume_attachments;

use http_kit::{Endpoint, Paging, Request};
use kit::Fault;
use kit::ids::ServerId;

use crate::Compute;
use crate::db::instances::{self, InstanceRow};

/// All rows.
pub(crate) static TABLES: &[&[Endpoint<Compute>]] = &[
    servers::ENDPOINTS,
    server_create::ENDPOINTS,
    server_list::ENDPOINTS,
    server_actions::ENDPOINTS,
    server_images::ENDPOINTS,
    server_metadata::ENDPOINTS,
    server_tags::ENDPOINTS,
    server_ips::ENDPOINTS,
    server_security_groups::ENDPOINTS,
    volume_attachments::ENDPOINTS,
    interfaces::ENDPOINTS,
    instance_actions::ENDPOINTS,
    remote_consoles::ENDPOINTS,
    trace::ENDPOINTS,
    tunnel::ENDPOINTS,
    flavors::ENDPOINTS,
    flavor_access::ENDPOINTS,
    flavor_extra_specs::ENDPOINTS,
    keypairs::ENDPOINTS,
    server_groups::ENDPOINTS,
    quota_sets::ENDPOINTS,
    limits::ENDPOINTS,
    hypervisors::ENDPOINTS,
    services::ENDPOINTS,
    availability_zones::ENDPOINTS,
    extensions::ENDPOINTS,
];

/// The server that the path names, where the caller may see it.
async fn server(compute: &Compute, request: &Request) -> Result<InstanceRow, Fault> {
    find_server(compute, request, false).await
}

/// As [`server`], or one that has been deleted.
async fn find_server(compute: &Compute, request: &Request, deleted: bool) -> Result<InstanceRow, Fault> {
    let id = ServerId::new(request.param("server_id")?);
    let wanted = id.clone();
    let get = if deleted { instances::get_any } else { instances::get };
    let row = compute.store.read(move |db| get(db, &wanted)).await.map_err(Fault::from)?;
    let seen = |row: &InstanceRow| request.context.is_admin() || request.context.project_id() == Some(&row.project_id);
    row.filter(seen).ok_or_else(|| no_server(&id))
}

/// There is no such server, or the caller may not see it.
fn no_server(id: &ServerId) -> Fault {
    Fault::not_found(format!("Instance {id} could not be found."))
}

/// The marker names nothing.
fn no_marker(paging: &Paging) -> Fault {
    Fault::bad_request(format!("marker [{}] not found", paging.marker.as_deref().unwrap_or_default()))
}

/// A whole number that came as a number or as text.
fn integer(value: &serde_json::Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The caller's project.
fn project(request: &Request) -> Result<kit::ids::ProjectId, Fault> {
    request.context.require_project().cloned()
}

/// The caller.
fn user(request: &Request) -> Result<kit::ids::UserId, Fault> {
    let user = request.context.user_id().cloned();
    user.ok_or_else(|| Fault::forbidden("This operation needs a user's token."))
}

#[cfg(test)]
mod tests;
