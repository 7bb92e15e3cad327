//! What a new cloud has: a few flavors.

use std::collections::BTreeMap;

use bus::topics::compute_types::FlavorSpec;
use kit::Fault;

use crate::Compute;
use crate::db::flavors::{self, Flavor};

/// Id, name, virtual CPUs, memory in MiB, disk in GiB; the smallest first.
const FLAVORS: &[(&str, &str, u32, u64, u64)] = &[
    ("1", "m1.nano", 1, 192, 1),
    ("2", "m1.tiny", 1, 512, 1),
    ("3", "m1.small", 1, 2048, 20),
    ("4", "m1.medium", 2, 4096, 40),
];

/// Makes the flavors, where there is none yet.
pub(crate) async fn run(compute: &Compute) -> Result<(), Fault> {
    let now = compute.now();
    let made = compute
        .store
        .write(move |db| {
            if flavors::any(db)? {
                return Ok(false);
            }
            for row in FLAVORS {
                flavors::insert(db, &flavor(*row), now)?;
            }
            Ok::<_, Fault>(true)
        })
        .await?;
    if made {
        tracing::info!(count = FLAVORS.len(), "the default flavors are there");
    }
    Ok(())
}

fn flavor((id, name, vcpus, ram_mb, disk_gb): (&str, &str, u32, u64, u64)) -> Flavor {
    let spec = FlavorSpec {
        id: id.into(),
        name: name.to_owned(),
        vcpus,
        ram_mb,
        disk_gb,
        ephemeral_gb: 0,
        swap_mb: 0,
        extra_specs: BTreeMap::new(),
    };
    Flavor { spec, description: None, rxtx_factor: 1.0, is_public: true }
}
