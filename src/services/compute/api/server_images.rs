//! `createImage`: an image of a server's root disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::topics::compute_types::BlockDestination;
use http_kit::{Endpoint, Reply, Request, Target as PolicyTarget};
use kit::Fault;
use serde::Deserialize;
use serde_json::json;

use super::server_metadata::check_count;
use super::{schemas, server};
use crate::Compute;
use crate::db::block_devices;
use crate::db::instances::InstanceRow;
use crate::domain::disks;
use crate::domain::operation::Operation;
use crate::lifecycle::snapshot;
use crate::policy::name;

const PATH: &str = "/servers/{server_id}/action";

pub(super) static ENDPOINTS: &[Endpoint<Compute>] =
    &[Endpoint::action(PATH, "createImage", "os_compute_api:servers:create_image", &create)
        .schema(schemas::CREATE_IMAGE)];

/// The action's value, as the schema let it through.
#[derive(Deserialize)]
struct Asked {
    name: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

async fn create(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let asked = Asked::deserialize(request.action_value()?)
        .map_err(|error| Fault::bad_request("Invalid input for createImage.").caused_by(error))?;
    // The quota went with the proxy of images' metadata.
    if !request.version.at_least(2, 39) {
        let (project, metadata) = (super::project(&request)?, asked.metadata.clone());
        compute.store.read(move |db| check_count(db, project.as_str(), &metadata)).await?;
    }
    let row = server(&compute, &request).await?;
    check_root(&compute, &request, &row).await?;
    let image_id = snapshot::start(&compute, &request.context, &row, asked.name.trim(), asked.metadata).await?;
    if request.version.at_least(2, 45) {
        return Ok(Reply::accepted(json!({ "image_id": image_id })));
    }
    // Clients take the last part. Nova leaves the version out, and its link leads nowhere.
    let location = format!("{}/image/v2/images/{image_id}", request.public_url());
    Ok(Reply::empty(202).header("location", location))
}

/// Whether the server boots from a disk on its host. Nova makes snapshots of all volumes of one that boots from a volume, and an
/// image that names them.
async fn check_root(compute: &Compute, request: &Request, row: &InstanceRow) -> Result<(), Fault> {
    let id = row.id.clone();
    let devices = compute.store.read(move |db| block_devices::of_instance(db, &id)).await.map_err(Fault::from)?;
    if disks::root(&devices).is_none_or(|root| root.destination == BlockDestination::Local) {
        return Ok(());
    }
    request.authorize(name::IMAGE_OF_VOLUMES, &PolicyTarget::project(&row.project_id))?;
    Operation::CreateImage.accept(row)?;
    Err(Fault::not_implemented(format!(
        "Instance {} boots from a volume: an image of it needs snapshots of volumes, which this cloud does not have.",
        row.id
    )))
}
