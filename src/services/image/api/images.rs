//! `/images`: create, list, show, change, delete.

use std::sync::Arc;

use http_kit::page::Order;
use http_kit::{
    Condition, Direction, Endpoint, Filter, FilterKind, Paging, Reply, Request, Sortable, SqlValue, Target, filter,
};
use kit::Fault;
use kit::ids::ImageId;
use serde_json::{Map, Value};

use crate::Images;
use crate::db::images;
use crate::domain::image::{Image, Status};
use crate::domain::input;
use crate::domain::patch::{self, Draft};
use crate::view;

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
        column("min_disk"),
        column("min_ram"),
        column("visibility"),
        column("owner"),
    ],
    default: &[(column("created_at"), Direction::Descending)],
    id: "id",
    required: &["created_at"],
};

static FILTERS: &[Filter] = &[
    Filter::new("visibility", "visibility", FilterKind::Handled),
    Filter::new("tag", "", FilterKind::Handled),
    Filter::new("os_hidden", "os_hidden", FilterKind::Handled),
    Filter::new("member_status", "", FilterKind::Handled),
    Filter::new("owner", "owner", FilterKind::Exact),
    Filter::new("protected", "protected", FilterKind::Bool),
    Filter::new("checksum", "checksum", FilterKind::Exact),
    Filter::new("os_hash_value", "os_hash_value", FilterKind::Exact),
    Filter::new("size", "size", FilterKind::Int),
    Filter::new("size_min", "size", FilterKind::IntMin),
    Filter::new("size_max", "size", FilterKind::IntMax),
    Filter::new("min_ram", "min_ram", FilterKind::Int),
    Filter::new("min_disk", "min_disk", FilterKind::Int),
];

/// Filters that also take `in:one,two`.
static LISTED: &[(&str, &str)] = &[
    ("id", "id"),
    ("name", "name"),
    ("status", "status"),
    ("container_format", "container_format"),
    ("disk_format", "disk_format"),
];

/// What a query holds that is no filter.
static PAGING: &[&str] = &["limit", "marker", "sort", "sort_key", "sort_dir"];

async fn list(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let paging = Paging::parse(&request, &ORDER)?;
    let condition = seen(&request).and(filter::conditions(&request, FILTERS)?).and(more_filters(&request));
    let (order, fetch, marker) = (paging.order_by(), paging.fetch(), paging.marker.clone());
    let (columns, after): (Vec<_>, _) = (paging.key_columns().collect(), paging.clone());
    let mut found = service
        .store
        .read(move |db| {
            let start = match &marker {
                Some(marker) => {
                    let key = images::key(db, marker, &columns)?;
                    after.after(&key.ok_or_else(|| Fault::bad_request(no_such_image(marker).message().to_owned()))?)
                }
                None => Condition::all(),
            };
            images::list(db, condition.and(start), &order, fetch).map_err(Fault::from)
        })
        .await?;
    let more = paging.cut(&mut found);
    let last = found.last().map(|image| image.id.to_string()).unwrap_or_default();
    let (first, next) = paging.relative_links(&request, found.len(), &last);
    let mut body = Map::new();
    body.insert("images".to_owned(), found.iter().map(view::images::image).collect());
    body.insert("first".to_owned(), first.into());
    body.insert("schema".to_owned(), "/v2/schemas/images".into());
    if let Some(next) = next.filter(|_| more) {
        body.insert("next".to_owned(), next.into());
    }
    Ok(Reply::ok(body))
}

/// What the caller may see in a list: community images only when asked for, hidden ones likewise.
fn seen(request: &Request) -> Condition {
    let own = match request.context.project_id() {
        Some(project) => Condition::is("owner", project.as_str()),
        None => Condition::none(),
    };
    let visibility = request.query().get("visibility");
    let allowed = match visibility {
        Some("community" | "all") => own.or(Condition::is_in("visibility", ["public".into(), "community".into()])),
        _ => own.or(Condition::is("visibility", "public")),
    };
    let allowed = if request.context.is_admin() { Condition::all() } else { allowed };
    let asked = match visibility {
        None | Some("all") => Condition::all(),
        Some(visibility) => Condition::is("visibility", visibility),
    };
    allowed.and(asked).and(Condition::is("os_hidden", request.query().flag("os_hidden")))
}

/// `in:` lists, tags (all of them) and custom properties.
fn more_filters(request: &Request) -> Condition {
    let query = request.query();
    let mut condition = Condition::all();
    for (name, column) in LISTED {
        if let Some(text) = query.get(name) {
            condition = condition.and(match text.strip_prefix("in:") {
                Some(list) => Condition::is_in(column, list.split(',').map(|item| item.trim_matches('"').into())),
                None => Condition::is(column, text),
            });
        }
    }
    for tag in query.all("tag") {
        let has = "EXISTS (SELECT 1 FROM image_tags t WHERE t.image_id = image_images.id AND t.tag = ?)";
        condition = condition.and(Condition::new(has, [tag.into()]));
    }
    let known = |name: &str| {
        PAGING.contains(&name)
            || FILTERS.iter().any(|filter| filter.name == name)
            || LISTED.iter().any(|(listed, _)| *listed == name)
    };
    for (name, value) in query.pairs().filter(|(name, _)| !known(name)) {
        let has = "EXISTS (SELECT 1 FROM image_properties p WHERE p.image_id = image_images.id AND p.name = ? AND p.value = ?)";
        condition = condition.and(Condition::new(has, [SqlValue::from(name), SqlValue::from(value)]));
    }
    condition
}

async fn create(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let Value::Object(body) = request.body_value()? else {
        return Err(Fault::bad_request("The request body must be a JSON object."));
    };
    let now = service.clock.now();
    let mut image = Image {
        id: asked_id(body)?,
        name: None,
        owner: request.context.project_id().cloned(),
        status: Status::Queued,
        visibility: "shared".to_owned(),
        protected: false,
        os_hidden: false,
        disk_format: None,
        container_format: None,
        min_disk: 0,
        min_ram: 0,
        size: None,
        virtual_size: None,
        checksum: None,
        sha512: None,
        created_at: now,
        updated_at: now,
        properties: std::collections::BTreeMap::new(),
        tags: Vec::new(),
    };
    for (name, value) in body.iter().filter(|(name, _)| *name != "id") {
        input::set(&mut image, name, value)?;
    }
    let owner = image.owner.as_ref().map(AsRef::<str>::as_ref).unwrap_or_default();
    request.authorize("add_image", &Target::own().with("owner", owner))?;
    may_show(&request, &image, "")?;
    let added = image.clone();
    let result: Result<(), Fault> = service.store.write(move |db| insert_new(db, &added)).await;
    result?;
    let location = format!("{}/images/{}", request.base_url(), image.id);
    Ok(Reply::created(view::images::image(&image)).header("Location", location))
}

fn insert_new(db: &store::Connection, image: &Image) -> Result<(), Fault> {
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
        Some(other) => {
            Err(Fault::bad_request(format!("Provided object does not match schema 'image': {other} is not a UUID")))
        }
    }
}

/// Whether the caller may give an image the visibility that it has now.
fn may_show(request: &Request, image: &Image, before: &str) -> Result<(), Fault> {
    let rule = match image.visibility.as_str() {
        same if same == before => return Ok(()),
        "public" => "publicize_image",
        "community" => "communitize_image",
        _ => return Ok(()),
    };
    request.authorize(rule, &target(image))
}

async fn show(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = service.find(&request, "get_image").await?;
    Ok(Reply::ok(view::images::image(&image)))
}

async fn change(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let media_type = request.media_type().unwrap_or_default();
    let Some((_, draft)) = Draft::MEDIA_TYPES.into_iter().find(|(name, _)| *name == media_type) else {
        return Err(Fault::unsupported_media_type(format!(
            "The request media type {media_type} is not supported by this server.\n<br /><br />\nImage PATCH expects Content-Type one of: {}",
            Draft::MEDIA_TYPES.map(|(name, _)| name).join(", ")
        )));
    };
    let before = service.find(&request, "modify_image").await?;
    let mut image = before.clone();
    for change in patch::parse(request.body_value()?, draft)? {
        patch::apply(&mut image, &change)?;
    }
    if image.owner != before.owner && !request.context.is_admin() {
        return Err(Fault::forbidden("You are not permitted to change the owner of an image."));
    }
    if before.status != Status::Queued
        && (image.disk_format != before.disk_format || image.container_format != before.container_format)
    {
        return Err(Fault::forbidden(
            "Attribute disk_format or container_format can be only replaced for a queued image.",
        ));
    }
    may_show(&request, &image, &before.visibility)?;
    image.updated_at = service.clock.now();
    let changed = image.clone();
    service.store.write(move |db| images::update(db, &changed)).await?;
    Ok(Reply::ok(view::images::image(&image)))
}

async fn delete(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = service.find(&request, "delete_image").await?;
    if image.protected {
        return Err(Fault::forbidden(format!("Image {} is protected and cannot be deleted.", image.id)));
    }
    let id = image.id.clone();
    if !service.store.write(move |db| images::delete(db, &id)).await? {
        return Err(no_such_image(image.id.as_str()));
    }
    // A crash here leaves a file that the next start removes.
    kit::crash::point("image.delete", "forget", "after");
    if let Err(error) = service.files.remove(&image.id).await {
        tracing::warn!(image_id = %image.id, %error, "a deleted image's bytes could not be removed; the next start tries again");
    }
    Ok(Reply::no_content())
}

impl Images {
    /// The image that the request's path names, if the caller may do what `rule` is about.
    ///
    /// 404 when there is none or it may not be seen, 403 when it may be seen only.
    pub(crate) async fn find(&self, request: &Request, rule: &str) -> Result<Image, Fault> {
        let id = ImageId::new(request.param("image_id")?);
        let wanted = id.clone();
        let image = self.store.read(move |db| images::get(db, &wanted)).await?;
        let image =
            image.filter(|image| image.is_visible_to(&request.context)).ok_or_else(|| no_such_image(id.as_str()))?;
        request.authorize(rule, &target(&image))?;
        Ok(image)
    }
}

/// What the policy may know of an image.
fn target(image: &Image) -> Target {
    let owner = image.owner.as_ref().map(AsRef::<str>::as_ref).unwrap_or_default();
    Target::project(owner).with("owner", owner).with("visibility", &image.visibility)
}

/// There is no such image, as far as the caller may know.
pub(crate) fn no_such_image(id: &str) -> Fault {
    Fault::not_found(format!("No image found with ID {id}"))
}
