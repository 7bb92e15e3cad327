//! `/images/{id}/members`: the projects that a shared image is shared with. The owner makes members, each member answers
//! for itself; a member sees no other.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::ids::ProjectId;
use kit::{Fault, FaultKind};
use serde_json::{Value, json};

use super::images::target;
use crate::db::{images, members};
use crate::domain::image::Image;
use crate::domain::member::{self, Member, MemberStatus};
use crate::domain::visibility::{Viewer, Visibility};
use crate::{Images, view};

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::get("/images/{image_id}/members", "get_members", &list).deferred(),
    Endpoint::post("/images/{image_id}/members", "add_member", &create).deferred(),
    Endpoint::get("/images/{image_id}/members/{member_id}", "get_member", &show).deferred(),
    Endpoint::put("/images/{image_id}/members/{member_id}", "modify_member", &update).deferred(),
    Endpoint::delete("/images/{image_id}/members/{member_id}", "delete_member", &delete).deferred(),
];

async fn list(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = shared_image(&service, &request, "list").await?;
    request.authorize("get_members", &target(&request, &image))?;
    let (id, viewer) = (image.id.clone(), Viewer::of(&request.context));
    let mut found = service.store.read(move |db| members::list(db, &id)).await?;
    found.retain(|member| may_know(&viewer, &image, &member.member_id));
    let found: Vec<Value> = found.iter().map(view::members::member).collect();
    Ok(Reply::ok(json!({ "members": found, "schema": "/v2/schemas/members" })))
}

async fn create(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let member_id = asked(&request, "member")?;
    let image = shared_image(&service, &request, "create").await?;
    request.authorize("add_member", &target(&request, &image))?;
    let now = service.clock.now();
    let status = MemberStatus::Pending;
    let made = Member { image_id: image.id, member_id, status, created_at: now, updated_at: now };
    let added = made.clone();
    service.store.write(move |db| insert(db, &added)).await?;
    Ok(Reply::ok(view::members::member(&made)))
}

fn insert(db: &store::Connection, made: &Member) -> Result<(), Fault> {
    let (image, member) = (&made.image_id, &made.member_id);
    match images::get(db, image)? {
        Some(image) if image.visibility == Visibility::Shared => {}
        Some(_) => return Err(not_shared(image.as_str(), "create")),
        None => return Err(no_image(image.as_str())),
    }
    member::check_count(image, members::count(db, image)?)?;
    match members::insert(db, made) {
        Err(error) if error.is_unique() => {
            Err(Fault::conflict(format!("Member {member} is duplicated for image {image}")).caused_by(error))
        }
        other => other.map_err(Fault::from),
    }
}

async fn show(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    // What is refused is hidden here, too.
    let hide = |fault: Fault| match fault.kind() {
        FaultKind::Forbidden => Fault::not_found(fault.message().to_owned()),
        _ => fault,
    };
    let image = shared_image(&service, &request, "show").await.map_err(hide)?;
    let member = find(&service, &request, &image).await.map_err(hide)?;
    Ok(Reply::ok(view::members::member(&member)))
}

async fn update(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let asked = asked_status(&request)?;
    let image = shared_image(&service, &request, "update").await?;
    let mut member = find(&service, &request, &image).await?;
    request.authorize("modify_member", &target(&request, &image))?;
    let status = asked.as_str().and_then(MemberStatus::parse).ok_or_else(|| {
        Fault::bad_request("Incorrect request: Status must be \"pending\", \"accepted\" or \"rejected\".")
    })?;
    (member.status, member.updated_at) = (status, service.clock.now());
    let (id, project, now) = (image.id.clone(), member.member_id.clone(), member.updated_at);
    if !service.store.write(move |db| members::update(db, &id, &project, status, now)).await? {
        return Err(no_member(&image, &member.member_id));
    }
    Ok(Reply::ok(view::members::member(&member)))
}

async fn delete(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = shared_image(&service, &request, "delete").await?;
    let member = find(&service, &request, &image).await?;
    request.authorize("delete_member", &target(&request, &image))?;
    let (id, project) = (image.id.clone(), member.member_id.clone());
    if !service.store.write(move |db| members::delete(db, &id, &project)).await? {
        return Err(no_member(&image, &member.member_id));
    }
    Ok(Reply::no_content())
}

/// The shared image that the path names; other images have no members to `verb`.
async fn shared_image(service: &Images, request: &Request, verb: &str) -> Result<Image, Fault> {
    let image = service.find_visible(request).await.map_err(|fault| match fault.kind() {
        FaultKind::NotFound => no_image(request.param("image_id").unwrap_or_default()),
        _ => fault,
    })?;
    if image.visibility != Visibility::Shared {
        return Err(not_shared(image.id.as_str(), verb));
    }
    if !request.allows("get_image", &target(request, &image)) {
        return Err(no_image(image.id.as_str()));
    }
    Ok(image)
}

/// The member that the path names, if the caller may know of it.
async fn find(service: &Images, request: &Request, image: &Image) -> Result<Member, Fault> {
    request.authorize("get_member", &target(request, image))?;
    let project = ProjectId::new(request.param("member_id")?);
    let unknown = || no_member(image, &project);
    if !may_know(&Viewer::of(&request.context), image, &project) {
        return Err(unknown());
    }
    let (id, wanted) = (image.id.clone(), project.clone());
    let found = service.store.read(move |db| members::get(db, &id, &wanted)).await?;
    found.ok_or_else(unknown)
}

/// Whether `viewer` may know of `member`.
fn may_know(viewer: &Viewer, image: &Image, member: &ProjectId) -> bool {
    viewer.admin || viewer.owns(image) || viewer.project.as_ref() == Some(member)
}

fn asked(request: &Request, name: &str) -> Result<ProjectId, Fault> {
    let Value::Object(body) = request.body_value()? else {
        return Err(Fault::bad_request("Expected a member in the form: {\"member\": \"image_id\"}"));
    };
    match body.get(name) {
        None => Err(Fault::bad_request("Member to be added not specified")),
        Some(Value::String(text)) if text.is_empty() => Err(Fault::bad_request("Member can't be empty")),
        Some(Value::String(text)) if text.chars().count() <= 255 => Ok(ProjectId::new(text)),
        Some(_) => Err(Fault::bad_request("Member must be a project's id: a text of at most 255 characters.")),
    }
}

fn asked_status(request: &Request) -> Result<Value, Fault> {
    let Value::Object(body) = request.body_value()? else {
        return Err(Fault::bad_request("Expected a status in the form: {\"status\": \"status\"}"));
    };
    body.get("status").cloned().ok_or_else(|| Fault::bad_request("Status not specified"))
}

fn not_shared(image: &str, verb: &str) -> Fault {
    match verb {
        "list" => {
            Fault::forbidden(format!("Not allowed to list members for image {image}: Only shared images have members."))
        }
        "show" => Fault::forbidden("Only shared images have members."),
        _ => Fault::forbidden(format!("Not allowed to {verb} members for image {image}.")),
    }
}

fn no_image(id: &str) -> Fault {
    Fault::not_found(format!("Image {id} not found."))
}

fn no_member(image: &Image, member: &ProjectId) -> Fault {
    Fault::not_found(format!("{member} not found in the member list of the image {}.", image.id))
}
