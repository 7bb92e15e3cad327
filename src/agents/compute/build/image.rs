//! The image (steps B10 and B11): its metadata with the user's token, its bytes into the cache.

use bus::topics::compute_types::{BlockDestination, BlockSource, Instance};
use bus::topics::image::GetImage;
use kit::Fault;
use kit::ids::ImageId;

use super::{Build, Building, Root};
use crate::agent::NAME;
use crate::guest::record::hardware;

const GIB: u64 = 1 << 30;

/// The image of the local root disk.
fn of(instance: &Instance) -> Option<ImageId> {
    let local = |source, destination| source == BlockSource::Image && destination == BlockDestination::Local;
    let root = instance.block_devices.iter().find(|device| local(device.source, device.destination))?;
    root.image_id.clone().or_else(|| instance.image_id.clone())
}

/// Has the image here.
pub(super) async fn fetch(building: &Building, build: &mut Build) -> Result<(), Fault> {
    let (work, instance) = (&building.work, building.instance()?);
    let Some(image_id) = of(instance) else { return Ok(()) };
    let image = work.ask(GetImage { image_id }).await?;
    let timer = work.context.trace.time(NAME, "fetch image");
    let fetched = work.agent.images.fetch(&image, work.context.token()).await;
    timer.finish(fetched.as_ref().err().map(ToString::to_string));
    let cached = fetched?;
    let disk = instance.flavor.disk_gb.saturating_mul(GIB);
    if disk > 0 && cached.virtual_size > disk {
        return Err(Fault::bad_request(format!(
            "Flavor's disk is too small for requested image. Flavor disk is {disk} bytes, image is {} bytes.",
            cached.virtual_size
        )));
    }
    let size = if disk > 0 { disk } else { cached.virtual_size };
    build.properties = hardware(&image.properties);
    build.root = Some(Root { base: cached.base, size });
    Ok(())
}
