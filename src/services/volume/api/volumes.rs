//! `/volumes`: create, list, show, change, delete.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bus::Target as Peer;
use bus::topics::image::{GetImage, Image};
use http_kit::page::Order;
use http_kit::{Condition, Direction, Endpoint, Filter, FilterKind, Paging, Reply, Request, Sortable, Target, filter};
use kit::ids::{ImageId, ProjectId, UserId, VolumeId};
use kit::{Fault, RequestContext};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::db::{quotas, types, volumes};
use crate::domain::quota;
use crate::domain::volume::{Status, Volume};
use crate::view::volumes::Viewer;
use crate::{Volumes, ZONE};

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Volumes>] = &[
    Endpoint::get("/volumes", "volume:get_all", &list),
    Endpoint::get("/volumes/detail", "volume:get_all", &detail),
    Endpoint::get("/volumes/summary", "volume:get_all", &summary).since(3, 12),
    Endpoint::post("/volumes", "volume:create", &create).schema(CREATE),
    Endpoint::get("/volumes/{volume_id}", "volume:get", &show).deferred(),
    Endpoint::put("/volumes/{volume_id}", "volume:update", &update).deferred().schema(UPDATE),
    Endpoint::delete("/volumes/{volume_id}", "volume:delete", &delete).deferred(),
];

const CREATE: &str = r#"{
  "type": "object", "required": ["volume"], "additionalProperties": false,
  "properties": {
    "OS-SCH-HNT:scheduler_hints": { "type": ["object", "null"] },
    "volume": { "type": "object", "properties": {
      "name": { "type": ["string", "null"], "maxLength": 255 },
      "description": { "type": ["string", "null"], "maxLength": 255 },
      "size": { "type": ["integer", "string", "null"], "pattern": "^[0-9]+$", "minimum": 1 },
      "imageRef": { "type": ["string", "null"], "maxLength": 255 },
      "snapshot_id": { "type": ["string", "null"] },
      "source_volid": { "type": ["string", "null"] },
      "volume_type": { "type": ["string", "null"], "maxLength": 255 },
      "availability_zone": { "type": ["string", "null"], "maxLength": 255 },
      "metadata": { "type": ["object", "null"], "additionalProperties": { "type": "string", "maxLength": 255 } }
    } }
  }
}"#;

const UPDATE: &str = r#"{
  "type": "object", "required": ["volume"], "additionalProperties": false,
  "properties": {
    "volume": { "type": "object", "minProperties": 1, "additionalProperties": false, "properties": {
      "name": { "type": ["string", "null"], "maxLength": 255 },
      "description": { "type": ["string", "null"], "maxLength": 255 },
      "display_name": { "type": ["string", "null"], "maxLength": 255 },
      "display_description": { "type": ["string", "null"], "maxLength": 255 },
      "metadata": { "type": ["object", "null"], "additionalProperties": { "type": "string", "maxLength": 255 } }
    } }
  }
}"#;

const fn column(key: &'static str, column: &'static str) -> Sortable {
    Sortable { key, column }
}

const CREATED: Sortable = column("created_at", "volume_volumes.created_at");

static ORDER: Order = Order {
    sortable: &[
        CREATED,
        column("id", "volume_volumes.id"),
        column("name", "volume_volumes.name"),
        column("size", "size_gb"),
        column("status", "status"),
        column("updated_at", "updated_at"),
        column("availability_zone", "availability_zone"),
        column("bootable", "bootable"),
        column("host", "host"),
    ],
    default: &[(CREATED, Direction::Descending)],
    id: "volume_volumes.id",
    required: &["volume_volumes.created_at"],
};

static FILTERS: &[Filter] = &[
    Filter::new("name", "volume_volumes.name", FilterKind::Exact),
    Filter::new("status", "status", FilterKind::Exact),
    Filter::new("availability_zone", "availability_zone", FilterKind::Exact),
    Filter::new("bootable", "bootable", FilterKind::Bool),
    Filter::new("id", "volume_volumes.id", FilterKind::Exact),
    Filter::new("size", "size_gb", FilterKind::Int),
];

/// A volume to be.
pub(crate) struct NewVolume {
    pub id: VolumeId,
    pub project_id: ProjectId,
    pub user_id: UserId,
    pub name: Option<String>,
    pub description: Option<String>,
    pub size_gb: i64,
    pub image_id: Option<ImageId>,
    pub volume_type: Option<String>,
    pub availability_zone: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Body<T> {
    volume: T,
}

#[derive(Deserialize)]
struct Create {
    name: Option<String>,
    description: Option<String>,
    size: Option<Value>,
    #[serde(rename = "imageRef")]
    image: Option<String>,
    snapshot_id: Option<String>,
    source_volid: Option<String>,
    volume_type: Option<String>,
    availability_zone: Option<String>,
    metadata: Option<BTreeMap<String, String>>,
}

async fn list(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    service.list(&request, Viewer::summary).await
}

async fn detail(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    service.list(&request, Viewer::detail).await
}

/// How many volumes the project has, how large they are together, and from 3.36 on the values of their metadata.
async fn summary(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let scope = scope(&request)?;
    let found = service.store.read(move |db| volumes::list(db, scope, ORDER.id, -1, 0).map_err(Fault::from)).await?;
    let mut summary = json!({
        "total_count": found.len(),
        "total_size": found.iter().map(|volume| volume.size_gb).sum::<i64>(),
    });
    if let Some(summary) = summary.as_object_mut().filter(|_| request.version.at_least(3, 36)) {
        let mut metadata = BTreeMap::<&str, BTreeSet<&str>>::new();
        for (key, value) in found.iter().flat_map(|volume| &volume.metadata) {
            metadata.entry(key).or_default().insert(value);
        }
        summary.insert("metadata".to_owned(), json!(metadata));
    }
    Ok(Reply::ok(json!({ "volume-summary": summary })))
}

async fn show(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let volume = service.named(&request, "volume:get").await?;
    Ok(Reply::ok(json!({ "volume": Viewer::of(&request).detail(&volume) })))
}

async fn create(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let Body { volume: wanted } = request.json::<Body<Create>>()?;
    if let Some(of) = wanted.snapshot_id.or(wanted.source_volid) {
        return Err(Fault::not_found(format!("Snapshot or volume {of} could not be found.")));
    }
    let project_id = request.context.require_project()?.clone();
    let user_id = request.context.user_id().cloned().unwrap_or_else(|| UserId::new(""));
    let image_id = wanted.image.filter(|image| !image.is_empty()).map(ImageId::from);
    let new = NewVolume {
        id: VolumeId::random(),
        project_id,
        user_id,
        name: wanted.name,
        description: wanted.description,
        size_gb: size(wanted.size.as_ref())?,
        image_id,
        volume_type: wanted.volume_type,
        availability_zone: wanted.availability_zone,
        metadata: wanted.metadata.unwrap_or_default(),
    };
    let volume = service.create(&request.context, new).await?;
    Ok(Reply::accepted(json!({ "volume": Viewer::of(&request).created(&volume) })))
}

/// The size, as a number or as digits.
fn size(value: Option<&Value>) -> Result<i64, Fault> {
    let number = match value {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(digits)) => digits.parse().ok(),
        _ => None,
    };
    number.filter(|size| *size > 0).ok_or_else(|| {
        let shown = value.map_or_else(|| "None".to_owned(), ToString::to_string);
        Fault::bad_request(format!(
            "Invalid input received: Volume size '{shown}' must be an integer and greater than 0"
        ))
    })
}

async fn update(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let mut volume = service.named(&request, "volume:update").await?;
    let Body { volume: changes } = request.json::<Body<Map<String, Value>>>()?;
    for (name, value) in changes {
        match name.as_str() {
            "name" | "display_name" => volume.name = value.as_str().map(str::to_owned),
            "description" | "display_description" => volume.description = value.as_str().map(str::to_owned),
            _ => volume.metadata = serde_json::from_value(value).unwrap_or_default(),
        }
    }
    let (changed, now) = (volume.clone(), service.clock.now());
    service.store.write(move |db| volumes::update(db, &changed, now).map_err(Fault::from)).await?;
    volume.updated_at = Some(now);
    Ok(Reply::ok(json!({ "volume": Viewer::of(&request).created(&volume) })))
}

async fn delete(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let volume = service.named(&request, "volume:delete").await?;
    service.delete(&request.context, &volume).await?;
    Ok(Reply::empty(202))
}

impl Volumes {
    /// The volume that the path names, if the caller may do what `rule` is about.
    async fn named(&self, request: &Request, rule: &str) -> Result<Volume, Fault> {
        let volume = self.visible(&request.context, &VolumeId::new(request.param("volume_id")?)).await?;
        request.authorize(rule, &Target::project(&volume.project_id))?;
        Ok(volume)
    }

    async fn list(&self, request: &Request, view: fn(&Viewer, &Volume) -> Value) -> Result<Reply, Fault> {
        let paging = Paging::parse(request, &ORDER)?;
        let all = request.context.is_admin() && request.query().flag("all_tenants");
        let scope = if all {
            request
                .query()
                .get("project_id")
                .map_or_else(Condition::all, |project| Condition::is("project_id", project))
        } else {
            Condition::is("project_id", request.context.require_project()?.as_str())
        };
        let condition = scope.and(filter::conditions(request, FILTERS)?);
        let (columns, page): (Vec<_>, _) = (paging.key_columns().collect(), paging.clone());
        let mut found = self
            .store
            .read(move |db| -> Result<_, Fault> {
                let start = match &page.marker {
                    Some(marker) => {
                        page.after(&volumes::key(db, marker, &columns)?.ok_or_else(|| unknown_marker(marker))?)
                    }
                    None => Condition::all(),
                };
                let offset = i64::try_from(page.offset).unwrap_or(i64::MAX);
                Ok(volumes::list(db, condition.and(start), &page.order_by(), page.fetch(), offset)?)
            })
            .await?;
        paging.cut(&mut found);
        let viewer = Viewer::of(request);
        let last = found.last().map(|volume| volume.id.to_string()).unwrap_or_default();
        let mut body = json!({ "volumes": found.iter().map(|volume| view(&viewer, volume)).collect::<Vec<_>>() });
        if let (Some(links), Some(body)) = (paging.next_links(request, found.len(), &last), body.as_object_mut()) {
            body.insert("volumes_links".to_owned(), links);
        }
        Ok(Reply::ok(body))
    }

    /// Checks, claims quota, writes the row and begins to make the volume.
    pub(crate) async fn create(self: &Arc<Self>, context: &RequestContext, new: NewVolume) -> Result<Volume, Fault> {
        if let Some(zone) = new.availability_zone.as_deref().filter(|zone| *zone != ZONE) {
            return Err(Fault::bad_request(format!("Invalid input received: Availability zone '{zone}' is invalid.")));
        }
        let image = match &new.image_id {
            Some(image_id) => {
                let image = self.client.call(context, Peer::Any, GetImage { image_id: image_id.clone() }).await?;
                check_image(&image, new.size_gb)?;
                Some(image)
            }
            None => None,
        };
        let now = self.clock.now();
        let type_name =
            new.volume_type.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| self.config.default_type.clone());
        let image_metadata = image.as_ref().map(image_metadata).unwrap_or_default();
        let written = self.store.write(move |db| -> Result<Volume, Fault> {
            let limits = quota::limits(&quotas::get(db, new.project_id.as_str())?);
            quota::check(&limits, quotas::usage(db, new.project_id.as_str())?, new.size_gb)?;
            let found = types::find(db, &type_name)?;
            let found = found
                .ok_or_else(|| Fault::not_found(format!("Volume type with name {type_name} could not be found.")))?;
            let volume = Volume {
                id: new.id,
                project_id: new.project_id,
                user_id: new.user_id,
                name: new.name,
                description: new.description,
                size_gb: new.size_gb,
                status: Status::Creating,
                volume_type: (found.id, found.name),
                availability_zone: ZONE.to_owned(),
                bootable: new.image_id.is_some(),
                multiattach: false,
                image_id: new.image_id,
                image_metadata,
                metadata: new.metadata,
                place: None,
                created_at: now,
                updated_at: None,
                attachments: Vec::new(),
            };
            volumes::insert(db, &volume)?;
            Ok(volume)
        });
        let volume = written.await?;
        self.make(context, &volume);
        Ok(volume)
    }

    /// Marks a volume as going, and begins to delete it.
    pub(crate) async fn delete(self: &Arc<Self>, context: &RequestContext, volume: &Volume) -> Result<(), Fault> {
        volume.check_delete()?;
        let (id, from, now) = (volume.id.clone(), volume.status, self.clock.now());
        let marked = self
            .store
            .write(move |db| volumes::change_status(db, &id, &[from], Status::Deleting, now).map_err(Fault::from));
        if !marked.await? {
            return self.volume(&volume.id).await?.check_delete();
        }
        self.unmake(context, volume);
        Ok(())
    }
}

/// The volumes that the caller may list: his project's, or all for an administrator who asks for them.
fn scope(request: &Request) -> Result<Condition, Fault> {
    if !(request.context.is_admin() && request.query().flag("all_tenants")) {
        return Ok(Condition::is("project_id", request.context.require_project()?.as_str()));
    }
    let project = request.query().get("project_id");
    Ok(project.map_or_else(Condition::all, |project| Condition::is("project_id", project)))
}

fn unknown_marker(marker: &str) -> Fault {
    crate::attach::no_such_volume(marker)
}

/// Whether the image can fill a volume of this size.
fn check_image(image: &Image, size_gb: i64) -> Result<(), Fault> {
    const GIB: u64 = 1 << 30;
    let invalid = |text: String| Err(Fault::bad_request(format!("Invalid input received: {text}")));
    let size = u64::try_from(size_gb).unwrap_or_default();
    if image.status != "active" {
        return invalid(format!("Image {} is not active.", image.id));
    }
    let bytes = image.virtual_size_bytes.unwrap_or_default().max(image.size_bytes);
    if bytes > size * GIB {
        return invalid(format!(
            "Size of specified image {}GB is larger than volume size {size}GB.",
            bytes.div_ceil(GIB)
        ));
    }
    if image.min_disk_gb > size {
        return invalid(format!(
            "Volume size {size}GB cannot be smaller than the image minDisk size {}GB.",
            image.min_disk_gb
        ));
    }
    Ok(())
}

/// What a volume remembers of its image, in Cinder's words.
fn image_metadata(image: &Image) -> BTreeMap<String, String> {
    let mut all = image.properties.clone();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            all.insert(name.to_owned(), value);
        }
    };
    add("image_id", Some(image.id.to_string()));
    add("image_name", image.name.clone());
    add("container_format", image.container_format.clone());
    add("disk_format", image.disk_format.clone());
    add("min_disk", Some(image.min_disk_gb.to_string()));
    add("min_ram", Some(image.min_ram_mb.to_string()));
    add("size", Some(image.size_bytes.to_string()));
    all
}
