//! What a new server names, looked up and checked: flavor, key, group, image, volumes, networks, zone.

use std::collections::BTreeMap;

use bus::Target;
use bus::topics::compute_types::{BlockDestination, BlockDevice, BlockSource, FlavorSpec, KeyRef};
use bus::topics::image::{GetImage, Image};
use bus::topics::network::{NetworkRequest, ValidateNetworks, ValidatedNetworks};
use bus::topics::volume::{GetVolume, Volume};
use http_kit::{Request, Target as PolicyTarget};
use kit::ids::{HostId, ImageId, ProjectId, UserId, VolumeId};
use kit::{Fault, FaultKind};

use super::asked::Asked;
use crate::Compute;
use crate::api::volume_attachments::usable;
use crate::api::{project, user};
use crate::db::{flavors, hosts, keypairs, server_groups};
use crate::domain::{boot, disks, snapshot};
use crate::policy::name;

/// A request that can be carried out.
pub(super) struct Plan<'a> {
    pub(super) asked: &'a Asked,
    pub(super) project_id: ProjectId,
    pub(super) user_id: UserId,
    pub(super) flavor: FlavorSpec,
    pub(super) key: Option<KeyRef>,
    pub(super) group_id: Option<String>,
    pub(super) disks: Vec<BlockDevice>,
    pub(super) boots: Booted,
    pub(super) networks: ValidatedNetworks,
    pub(super) zone: Option<String>,
    pub(super) host: Option<HostId>,
    /// The id of the one server that has volumes reserved.
    pub(super) server_id: Option<kit::ids::ServerId>,
}

/// What is booted, as far as its image says.
#[derive(Default)]
pub(super) struct Booted {
    pub(super) properties: BTreeMap<String, String>,
    /// What it asks for: a disk in GiB, memory in MiB.
    pub(super) least: (u64, u64),
}

impl From<Image> for Booted {
    fn from(image: Image) -> Self {
        Self { least: snapshot::least(&image), properties: image.properties }
    }
}

/// Checks all of it.
///
/// # Errors
/// In Nova's words: 400 for what does not exist or fit, 403 and 409 from those who are asked.
pub(super) async fn run<'a>(compute: &Compute, request: &Request, asked: &'a Asked) -> Result<Plan<'a>, Fault> {
    let (project_id, user_id) = (project(request)?, user(request)?);
    authorize(request, asked)?;
    let (zone, host) = placement(compute, asked).await?;
    let own = look_up(compute, request, asked, (project_id.clone(), user_id.clone())).await?;
    let mut disks = disks::plan(asked.image.as_ref(), &asked.mappings, &own.flavor)?;
    let boots = check_disks(compute, request, asked, &own.flavor, &mut disks).await?;
    let message = ValidateNetworks {
        project_id: project_id.clone(),
        requested: asked.networks.clone(),
        security_groups: asked.security_groups.clone(),
        servers: u32::try_from(asked.max_count).unwrap_or(u32::MAX),
    };
    let networks = compute.client.call(&request.context, Target::Any, message).await?;
    Ok(Plan {
        asked,
        project_id,
        user_id,
        flavor: own.flavor,
        key: own.key,
        group_id: own.group_id,
        disks,
        boots,
        networks,
        zone,
        host,
        server_id: None,
    })
}

/// The rules beside that of creating a server.
fn authorize(request: &Request, asked: &Asked) -> Result<(), Fault> {
    let own = PolicyTarget::own();
    if asked.placement.host.is_some() {
        request.authorize(name::FORCED_HOST, &own)?;
    }
    if asked.destination.is_some() {
        request.authorize(name::REQUESTED_DESTINATION, &own)?;
        if asked.placement.host.is_some() {
            return Err(Fault::bad_request(
                "One mechanism with host and/or hypervisor_hostname and another mechanism with zone:host:node are mutually \
                 exclusive.",
            ));
        }
    }
    if asked.has_mappings {
        request.authorize(name::CREATE_WITH_VOLUME, &own)?;
    }
    if matches!(asked.networks, NetworkRequest::These(_)) {
        request.authorize(name::CREATE_WITH_NETWORK, &own)?;
    }
    Ok(())
}

/// The zone and the host; both must exist.
async fn placement(compute: &Compute, asked: &Asked) -> Result<(Option<String>, Option<HostId>), Fault> {
    let zone = asked.placement.zone.clone();
    if zone.as_deref().is_some_and(|zone| zone != boot::DEFAULT_ZONE) {
        return Err(Fault::bad_request("The requested availability zone is not available"));
    }
    let host = asked.destination.clone();
    if let Some(host) = host.clone() {
        let wanted = host.clone();
        let found = compute.store.read(move |db| hosts::get(db, &wanted)).await.map_err(Fault::from)?;
        if found.is_none() {
            return Err(Fault::bad_request(format!("Compute host {host} could not be found.")));
        }
    }
    Ok((zone, host.or_else(|| asked.placement.host.clone())))
}

/// What is in compute's own tables.
struct Own {
    flavor: FlavorSpec,
    key: Option<KeyRef>,
    group_id: Option<String>,
}

async fn look_up(
    compute: &Compute,
    request: &Request,
    asked: &Asked,
    (project_id, user_id): (ProjectId, UserId),
) -> Result<Own, Fault> {
    let admin = request.context.is_admin();
    let (flavor_id, key_name) = (asked.flavor.clone(), asked.key_name.clone());
    let group = asked.hints.get("group").and_then(|hints| hints.first()).cloned();
    compute
        .store
        .read(move |db| {
            let usable = admin || flavors::is_usable_by(db, &flavor_id, &project_id)?;
            let flavor = flavors::get(db, &flavor_id)?.filter(|_| usable);
            let no_flavor = || Fault::bad_request(format!("Flavor {flavor_id} could not be found."));
            let flavor = flavor.ok_or_else(no_flavor)?.spec;
            let key = match key_name {
                Some(name) => {
                    let key = keypairs::get(db, &user_id, &name)?;
                    Some(key.ok_or_else(|| Fault::bad_request("Invalid key_name provided."))?)
                }
                None => None,
            };
            if let Some(id) = &group {
                let found = server_groups::get(db, id)?.filter(|found| admin || found.project_id == project_id);
                found.ok_or_else(|| Fault::bad_request(format!("Instance group {id} could not be found.")))?;
            }
            let key = key.map(|key| KeyRef { name: key.name, key_type: key.key_type, public_key: key.public_key });
            Ok(Own { flavor, key, group_id: group })
        })
        .await
}

/// Images and volumes behind the disks; sizes are filled in. Answers what is booted.
async fn check_disks(
    compute: &Compute,
    request: &Request,
    asked: &Asked,
    flavor: &FlavorSpec,
    disks: &mut [BlockDevice],
) -> Result<Booted, Fault> {
    let mut boots = Booted::default();
    if let Some(id) = &asked.image {
        let missing = || Fault::bad_request("Can not find requested image");
        let image = get_image(compute, request, id, missing).await?;
        let zero_disk = request.allows(name::ZERO_DISK, &PolicyTarget::own());
        boot::check_image(&image, flavor, disks::root(disks), zero_disk)?;
        boots = image.into();
    }
    for disk in disks.iter_mut().filter(|disk| disk.destination == BlockDestination::Volume) {
        let is_root = disk.boot_index == Some(0);
        match (disk.source, disk.image_id.clone(), disk.volume_id.clone()) {
            (BlockSource::Image, Some(id), _) if asked.image.as_ref() != Some(&id) => {
                let missing =
                    || Fault::bad_request(format!("Block Device Mapping is Invalid: failed to get image {id}."));
                let image = get_image(compute, request, &id, missing).await?;
                boot::check_image(&image, flavor, Some(disk), true)?;
                if is_root {
                    boots = image.into();
                }
            }
            (BlockSource::Volume, _, Some(id)) => {
                let volume = get_volume(compute, request, asked, &id).await?;
                disk.size_gb = Some(volume.size_gb);
                if is_root {
                    if !volume.bootable {
                        return Err(Fault::bad_request(format!("Block Device {id} is not bootable.")));
                    }
                    boots = Booted { properties: volume.image_metadata, ..Booted::default() };
                }
            }
            (BlockSource::Snapshot, _, _) => {
                let id = disk.snapshot_id.as_deref().unwrap_or_default();
                return Err(Fault::bad_request(format!(
                    "Block Device Mapping is Invalid: failed to get snapshot {id}."
                )));
            }
            _ => {}
        }
    }
    Ok(boots)
}

async fn get_image(
    compute: &Compute,
    request: &Request,
    id: &ImageId,
    missing: impl Fn() -> Fault,
) -> Result<Image, Fault> {
    let asked = compute.client.call(&request.context, Target::Any, GetImage { image_id: id.clone() }).await;
    asked.map_err(|fault| if fault.kind() == FaultKind::NotFound { missing() } else { fault })
}

async fn get_volume(compute: &Compute, request: &Request, asked: &Asked, id: &VolumeId) -> Result<Volume, Fault> {
    if asked.max_count > 1 {
        return Err(Fault::bad_request("Cannot attach one or more volumes to multiple instances"));
    }
    let found = compute.client.call(&request.context, Target::Any, GetVolume { volume_id: id.clone() }).await;
    let volume = found.map_err(|fault| match fault.kind() {
        FaultKind::NotFound => {
            Fault::bad_request(format!("Block Device Mapping is Invalid: failed to get volume {id}."))
        }
        _ => fault,
    })?;
    usable(&volume, request)?;
    Ok(volume)
}
