//! What every driver must do.

use std::collections::HashSet;
use std::sync::Arc;

use bus::topics::volume::{ConnectionInfo, Connector};
use bus::topics::volume_agent::{VolumeSource, VolumeSpec};
use kit::FaultKind;
use kit::ids::{HostId, VolumeId};

use super::driver::VolumeDriver;

/// Runs the contract on an empty backend.
pub async fn contract(driver: Arc<dyn VolumeDriver>) {
    let (kept, stray) = (VolumeSpec { id: "kept".into(), size_gb: 2 }, VolumeSpec { id: "stray".into(), size_gb: 1 });
    let connector = || Connector { host: HostId::new("here") };
    driver.prepare(HashSet::new()).await.unwrap();
    let room = driver.room().await.unwrap();
    assert!(room.free_gb <= room.total_gb);
    let missing = driver.connect(kept.clone(), connector(), false).await;
    assert_eq!(missing.unwrap_err().kind(), FaultKind::NotFound);
    for volume in [&kept, &kept, &stray] {
        driver.ensure(volume.clone(), VolumeSource::Blank).await.unwrap();
    }
    let first = driver.connect(kept.clone(), connector(), true).await.unwrap();
    assert_eq!(driver.connect(kept.clone(), connector(), true).await.unwrap(), first);
    let ConnectionInfo::File { size_gb, read_only, .. } = first;
    assert!(size_gb == 2 && read_only);
    for _ in 0..2 {
        driver.disconnect(kept.id.clone(), connector()).await.unwrap();
    }
    driver.prepare([kept.id.clone()].into()).await.unwrap();
    assert!(driver.connect(kept.clone(), connector(), false).await.is_ok(), "what is known stays");
    assert!(driver.connect(stray.clone(), connector(), false).await.is_err(), "what is not known goes");
    for id in [&kept.id, &kept.id, &VolumeId::new("never")] {
        driver.remove(id.clone()).await.unwrap();
    }
    assert!(driver.connect(kept, connector(), false).await.is_err());
}
