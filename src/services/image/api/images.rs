//! `/images`: create, list, show, change, delete.

use std::sync::Arc;

use http_kit::page::Order;
use http_kit::{Condition, Direction, Endpoint, Paging, Reply, Request, Sortable, Target};
use kit::Fault;
use kit::ids::ImageId;
use serde_json::{Map, Value};

use super::{filters, page};
use crate::db::images;
use crate::domain::image::Image;
use crate::domain::input;
use crate::domain::patch::{self, Change, Draft, Locations};
use crate::domain::quota::{Limits, Resource};
use crate::domain::visibility::{Viewer, Visibility};
use crate::{Images, quota, view};

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::get("/images", "get_images", &list),
    Endpoint::post("/images", "add_image", &create).deferred(),
    Endpoint::get("/images/{image_id}", "get_image", &show).deferred(),
    Endpoint::patch("/images/{image_id}", "modify_image", &change).deferred(),
    Endpoint::delete("/images/{image_id}", "delete_image", &delete).deferred(),
];

const fn column(key: &'static str) -> Sortable {
    Sortable { key, column: key }
}

static ORDER: Order = Order {
    sortable: &[
        column("name"),
        column("status"),
        column("container_format"),
        column("disk_format"),
        column("size"),
        column("id"),
        column("created_at"),
        column("updated_at"),
    ],
    default: &[(column("created_at"), Direction::Descending)],
    id: "id",
    required: &["created_at", "updated_at", "status"],
};

async fn list(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let paging = Paging::parse(&request, &ORDER)?;
    let viewer = Viewer::of(&request.context);
    let condition = filters::condition(request.query(), &viewer)?;
    let (order, fetch, marker) = (paging.order_by(), paging.fetch(), paging.marker.clone());
    let (columns, after): (Vec<_>, _) = (paging.key_columns().collect(), paging.clone());
    let mut found = service
        .store
        .read(move |db| {
            let start = match &marker {
                Some(marker) => {
                    let unknown = || Fault::bad_request(no_such_image(marker).message().to_owned());
                    images::seen(db, &ImageId::new(marker), &viewer)?.ok_or_else(unknown)?;
                    after.after(&images::key(db, marker, &columns)?.ok_or_else(unknown)?)
                }
                None => Condition::all(),
            };
            images::list(db, condition.and(start), &order, fetch).map_err(Fault::from)
        })
        .await?;
    let more = paging.cut(&mut found);
    let last = found.last().map(|image| image.id.to_string()).unwrap_or_default();
    let items: Vec<_> = found.iter().map(view::images::image).collect();
    Ok(page(&request, "images", &paging, items, &last, more))
}

async fn create(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = new_image(&service, &request)?;
    let limits = match &image.owner {
        Some(owner) => service.limits(&request.context, owner).await?,
        None => Limits::default(),
    };
    let added = image.clone();
    service.store.write(move |db| insert_new(db, &added, &limits)).await?;
    let location = format!("{}/images/{}", request.base_url(), image.id);
    let reply = Reply::created(view::images::image(&image)).header("Location", location);
    Ok(super::info::announce(&service, reply))
}

/// The image that the body asks for, if the caller may make it.
fn new_image(service: &Images, request: &Request) -> Result<Image, Fault> {
    let body = match request.body_value()? {
        Value::Object(body) => body,
        Value::Null => return Err(Fault::bad_request("Body expected in request.")),
        other => return Err(input::wrong_type(other, "object")),
    };
    let mut image = Image::new(asked_id(body)?, request.context.project_id().cloned(), service.clock.now());
    for (name, value) in body.iter().filter(|(name, _)| *name != "id") {
        input::set(&mut image, name, value)?;
    }
    input::check_properties(&image)?;
    let owner = image.owner.as_ref().map(AsRef::<str>::as_ref);
    let target = Target::new()
        .with_option("project_id", owner)
        .with_option("owner", owner)
        .with("visibility", body.get("visibility").and_then(Value::as_str).unwrap_or("private"));
    if !request.allows("add_image", &target) && image.owner.as_ref() != request.context.project_id() {
        let owner = owner.unwrap_or("None");
        return Err(Fault::forbidden(format!("You are not permitted to create images owned by '{owner}'")));
    }
    request.authorize("add_image", &target)?;
    may_show(request, image.visibility, &target)?;
    Ok(image)
}

/// Adds a new image where the quota of its owner allows it.
///
/// # Errors
/// 413 where it does not, 409 where there is one with its id.
pub(crate) fn insert_new(db: &store::Connection, image: &Image, limits: &Limits) -> Result<(), Fault> {
    quota::check(db, limits, image.owner.as_ref(), &[(Resource::CountTotal, 1)])?;
    match images::insert(db, image) {
        Err(error) if error.is_unique() => {
            Err(Fault::conflict(format!("Image ID {} already exists!", image.id)).caused_by(error))
        }
        other => other.map_err(Fault::from),
    }
}

fn asked_id(body: &Map<String, Value>) -> Result<ImageId, Fault> {
    match body.get("id") {
        None => Ok(ImageId::random()),
        Some(Value::String(text)) if uuid::Uuid::try_parse(text).is_ok() && text.len() == 36 => Ok(ImageId::new(text)),
        Some(other) => Err(input::schema_error(&format!("{} is not a UUID", input::python(other)))),
    }
}

/// Whether the caller may give an image this visibility.
fn may_show(request: &Request, visibility: Visibility, target: &Target) -> Result<(), Fault> {
    match visibility {
        Visibility::Public => request.authorize("publicize_image", target),
        Visibility::Community => request.authorize("communitize_image", target),
        Visibility::Shared | Visibility::Private => Ok(()),
    }
}

async fn show(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = service.find(&request, "get_image").await?;
    Ok(Reply::ok(view::images::image(&image)))
}

async fn change(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let media_type = request.media_type().unwrap_or_default();
    let Some((_, draft)) = Draft::MEDIA_TYPES.into_iter().find(|(name, _)| *name == media_type) else {
        return Err(wrong_media_type(&media_type));
    };
    let changes = patch::parse(request.body_value()?, draft)?;
    let before = service.find(&request, "modify_image").await?;
    let target = target(&request, &before);
    for change in &changes {
        authorize_change(&request, change, &target)?;
    }
    if changes.is_empty() {
        return Ok(Reply::ok(view::images::image(&before)));
    }
    let (id, viewer, now) = (before.id.clone(), Viewer::of(&request.context), service.clock.now());
    let image = service
        .store
        .write(move |db| {
            let mut image = images::seen(db, &id, &viewer)?.ok_or_else(|| no_such_image(id.as_str()))?;
            patch::apply_all(&mut image, &changes)?;
            image.updated_at = now;
            images::update(db, &image)?;
            Ok::<_, Fault>(image)
        })
        .await?;
    Ok(Reply::ok(view::images::image(&image)))
}

/// 415, with what would have been right.
fn wrong_media_type(media_type: &str) -> Fault {
    let accepted = Draft::MEDIA_TYPES.map(|(name, _)| name).join(", ");
    Fault::unsupported_media_type(format!(
        "The request media type {media_type} is not supported by this server.\n<br /><br />\nImage PATCH expects \
         Content-Type one of: {accepted}"
    ))
}

/// Whether the caller may make `change` to the image that `target` stands for.
fn authorize_change(request: &Request, change: &Change, target: &Target) -> Result<(), Fault> {
    match change {
        Change::Locations(locations) => locations_are_not_changed(request, *locations, target),
        Change::Set { name, .. } if name == "owner" && !request.context.is_admin() => {
            Err(Fault::forbidden("Owner can't be updated by non admin."))
        }
        Change::Set { name, value, .. } => {
            if let Some(visibility) = value.as_str().filter(|_| name == "visibility").and_then(Visibility::parse) {
                may_show(request, visibility, target)?;
            }
            request.authorize("modify_image", target)
        }
        Change::Remove { .. } => request.authorize("modify_image", target),
    }
}

/// Locations are not shown with images (Glance's `show_multiple_locations`, off by default), and so not changed with them.
fn locations_are_not_changed(request: &Request, locations: Locations, target: &Target) -> Result<(), Fault> {
    let (rule, verb) = match locations {
        Locations::Clear => return Err(Fault::forbidden("Cannot set locations to empty list.")),
        Locations::Add => ("set_image_location", "add"),
        Locations::Replace => ("set_image_location", "update"),
        Locations::Remove => ("delete_image_location", "remove"),
    };
    request.authorize(rule, target)?;
    Err(Fault::forbidden(format!("It's not allowed to {verb} locations if locations are invisible.")))
}

async fn delete(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = service.find(&request, "delete_image").await?;
    if !service.destroy(&image.id).await? {
        return Err(Fault::not_found(format!("Failed to find image {} to delete", image.id)));
    }
    Ok(Reply::no_content())
}

impl Images {
    /// The image that the request's path names, if the caller may do what `rule` is about.
    ///
    /// 404 when there is none or it may not be seen, 403 when it may be seen only.
    pub(crate) async fn find(&self, request: &Request, rule: &str) -> Result<Image, Fault> {
        let image = self.find_visible(request).await?;
        let target = target(request, &image);
        if rule != "get_image" && !request.allows(rule, &target) && !request.allows("get_image", &target) {
            return Err(no_such_image(image.id.as_str()));
        }
        match request.authorize(rule, &target) {
            Err(_) if rule == "get_image" => Err(no_such_image(image.id.as_str())),
            other => other.map(|()| image),
        }
    }

    /// The image that the request's path names, if it may be seen. No rule is asked.
    pub(crate) async fn find_visible(&self, request: &Request) -> Result<Image, Fault> {
        let id = ImageId::new(request.param("image_id")?);
        let (wanted, viewer) = (id.clone(), Viewer::of(&request.context));
        let image = self.store.read(move |db| images::seen(db, &wanted, &viewer)).await?;
        image.ok_or_else(|| no_such_image(id.as_str()))
    }
}

/// What the policy may know of an image that the caller sees. Who sees a shared image that is another's is its member.
pub(crate) fn target(request: &Request, image: &Image) -> Target {
    let owner = image.owner.as_ref().map(AsRef::<str>::as_ref);
    let project = request.context.project_id();
    let is_member = image.visibility == Visibility::Shared && project != image.owner.as_ref();
    let member = project.filter(|_| is_member).map(AsRef::<str>::as_ref);
    Target::new()
        .with_option("project_id", owner)
        .with_option("owner", owner)
        .with_option("member_id", member)
        .with("visibility", image.visibility.as_str())
        .with("status", image.status.as_str())
}

/// There is no such image, as far as the caller may know.
pub(crate) fn no_such_image(id: &str) -> Fault {
    Fault::not_found(format!("No image found with ID {id}"))
}
