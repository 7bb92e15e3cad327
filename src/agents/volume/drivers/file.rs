//! Volumes as sparse raw files of one directory: `<dir>/<id>`, and `<dir>/<id>.partial` while one is made.
//!
//! A file takes its final name only when it is whole and on the disk.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bus::topics::image::ImageLocation;
use bus::topics::volume::{ConnectionInfo, Connector};
use bus::topics::volume_agent::{VolumeSource, VolumeSpec};
use futures_util::future::BoxFuture;
use imaging::ToolError;
use imaging::qemu_img::Conversion;
use kit::Fault;
use kit::disk_image::{Format, Window};
use kit::ids::VolumeId;

use super::driver::{Room, VolumeDriver};

const GIB: u64 = 1 << 30;
const NO_ROOM: &str = "There is not enough disk space on the host of the volume. Free some and try again.";

/// Volumes in a directory of the host.
#[derive(Debug, Clone)]
pub struct FileDriver {
    directory: PathBuf,
}

impl FileDriver {
    /// A driver that keeps its volumes in `directory`, which [`VolumeDriver::prepare`] makes.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    fn path(&self, id: &VolumeId) -> PathBuf {
        self.directory.join(id.as_str())
    }

    fn partial(&self, id: &VolumeId) -> PathBuf {
        self.directory.join(format!("{id}.partial"))
    }

    async fn make(&self, volume: VolumeSpec, source: VolumeSource) -> Result<(), Fault> {
        if tokio::fs::try_exists(self.path(&volume.id))
            .await
            .map_err(|error| disk_fault("looking for a volume", error))?
        {
            return Ok(());
        }
        let partial = self.partial(&volume.id);
        let made = self.fill(&partial, &volume, source).await;
        if made.is_err() {
            remove_file(&partial).await.map_err(|error| disk_fault("removing a half-made volume", error))?;
        }
        made
    }

    async fn fill(&self, partial: &Path, volume: &VolumeSpec, source: VolumeSource) -> Result<(), Fault> {
        if let VolumeSource::Image { image_id, disk_format, location, .. } = source {
            let ImageLocation::File { path, .. } = location;
            let most = volume.size_gb.saturating_mul(GIB);
            let from_format = check_image(path.clone(), &disk_format, image_id.as_str(), most).await?;
            let conversion =
                Conversion { from: &path, from_format, to: partial, to_format: Format::Raw, max_bytes: most };
            conversion.run(|_| ()).await.map_err(tool_fault)?;
        }
        let (partial, target, directory) = (partial.to_owned(), self.path(&volume.id), self.directory.clone());
        let size = volume.size_gb.saturating_mul(GIB);
        blocking("making a volume", move || {
            let file = File::options().create(true).truncate(false).write(true).open(&partial)?;
            if file.metadata()?.len() > size {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "the image is larger than the volume"));
            }
            file.set_len(size)?;
            file.sync_all()?;
            std::fs::rename(&partial, &target)?;
            File::open(&directory)?.sync_all()
        })
        .await
    }
}

impl VolumeDriver for FileDriver {
    fn name(&self) -> &'static str {
        "file"
    }

    fn room(&self) -> BoxFuture<'_, Result<Room, Fault>> {
        let directory = self.directory.clone();
        Box::pin(blocking("asking for the room left", move || {
            let file_system = rustix::fs::statvfs(&directory)?;
            let gib = |blocks: u64| blocks.saturating_mul(file_system.f_frsize) / GIB;
            Ok(Room { total_gb: gib(file_system.f_blocks), free_gb: gib(file_system.f_bavail) })
        }))
    }

    fn ensure(&self, volume: VolumeSpec, source: VolumeSource) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.make(volume, source))
    }

    fn remove(&self, id: VolumeId) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            for path in [self.path(&id), self.partial(&id)] {
                remove_file(&path).await.map_err(|error| disk_fault("removing a volume", error))?;
            }
            Ok(())
        })
    }

    fn connect(
        &self,
        volume: VolumeSpec,
        _: Connector,
        read_only: bool,
    ) -> BoxFuture<'_, Result<ConnectionInfo, Fault>> {
        Box::pin(async move {
            let path = self.path(&volume.id);
            match tokio::fs::try_exists(&path).await {
                Ok(true) => {
                    Ok(ConnectionInfo::File { path, format: "raw".to_owned(), size_gb: volume.size_gb, read_only })
                }
                Ok(false) => Err(Fault::not_found(format!("Volume {} is not on this host.", volume.id))),
                Err(error) => Err(disk_fault("looking for a volume", error)),
            }
        })
    }

    fn disconnect(&self, _: VolumeId, _: Connector) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn prepare(&self, known: HashSet<VolumeId>) -> BoxFuture<'_, Result<(), Fault>> {
        let directory = self.directory.clone();
        Box::pin(blocking("preparing the volumes' directory", move || {
            std::fs::create_dir_all(&directory)?;
            // QEMU runs as a user of its own and has to get through, whatever this process's umask is.
            std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o711))?;
            for entry in std::fs::read_dir(&directory)? {
                let entry = entry?;
                let name = entry.file_name();
                if !known.iter().any(|id| name == id.as_str()) {
                    tracing::info!(file = %name.display(), "removed what is no volume's");
                    std::fs::remove_file(entry.path())?;
                }
            }
            Ok(())
        }))
    }
}

/// Looks at an image's bytes before anything opens it, and says what they are.
async fn check_image(path: PathBuf, declared: &str, id: &str, most: u64) -> Result<Format, Fault> {
    let looked = blocking("looking at an image", move || Ok(Window::of(&mut File::open(&path)?)?.inspect()));
    let inspection = looked.await?;
    match inspection.judge(declared, most) {
        Ok(()) => Ok(inspection.format),
        Err(objection) => Err(Fault::bad_request(format!("Image {id} is unacceptable: {objection}."))),
    }
}

fn tool_fault(error: ToolError) -> Fault {
    if error.is_full() {
        return Fault::unavailable(NO_ROOM).caused_by(error);
    }
    error.into()
}

async fn blocking<T, F>(doing: &'static str, work: F) -> Result<T, Fault>
where
    T: Send + 'static,
    F: FnOnce() -> io::Result<T> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| disk_fault(doing, error)),
        Err(error) => Err(Fault::internal(doing, error)),
    }
}

async fn remove_file(path: &Path) -> io::Result<()> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn disk_fault(doing: &str, error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::StorageFull => Fault::unavailable(NO_ROOM),
        _ => Fault::internal(doing, error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::process::Command;
    use std::sync::Arc;

    use kit::disk_image::testing;

    use super::*;

    fn driver() -> (tempfile::TempDir, Arc<FileDriver>) {
        let directory = tempfile::tempdir().unwrap();
        let driver = Arc::new(FileDriver::new(directory.path().join("volumes")));
        (directory, driver)
    }

    fn image(path: PathBuf, disk_format: &str) -> VolumeSource {
        let location = ImageLocation::File { path, url: String::new() };
        VolumeSource::Image { image_id: "i1".into(), disk_format: disk_format.to_owned(), location, sha512: None }
    }

    #[tokio::test]
    async fn it_keeps_the_contract() {
        let (_directory, driver) = driver();
        super::super::contract::contract(driver).await;
    }

    #[tokio::test]
    async fn others_get_through_to_a_volume_they_know_and_list_none() {
        let (dir, driver) = driver();
        driver.prepare(HashSet::new()).await.unwrap();
        let mode = std::fs::metadata(dir.path().join("volumes")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o711);
    }

    #[tokio::test]
    async fn a_volume_of_an_image_holds_its_disk_and_is_as_large_as_asked() {
        let (directory, driver) = driver();
        driver.prepare(HashSet::new()).await.unwrap();
        let (raw, qcow2) = (directory.path().join("raw"), directory.path().join("qcow2"));
        std::fs::write(&raw, vec![7; 1 << 20]).unwrap();
        let convert =
            Command::new("qemu-img").args(["convert", "-f", "raw", "-O", "qcow2"]).arg(&raw).arg(&qcow2).status();
        assert!(convert.unwrap().success());
        let spec = VolumeSpec { id: "v1".into(), size_gb: 1 };
        driver.ensure(spec.clone(), image(qcow2.clone(), "qcow2")).await.unwrap();
        let mut start = vec![0; 2 << 20];
        File::open(driver.path(&spec.id)).unwrap().read_exact(&mut start).unwrap();
        assert!(start[..1 << 20].iter().all(|byte| *byte == 7) && start[1 << 20..].iter().all(|byte| *byte == 0));
        assert_eq!(std::fs::metadata(driver.path(&spec.id)).unwrap().len(), GIB);
        let lie = driver.ensure(VolumeSpec { id: "v2".into(), size_gb: 1 }, image(qcow2, "raw")).await;
        assert!(lie.unwrap_err().message().contains("it is qcow2, not raw as declared"));
        assert!(!driver.partial(&"v2".into()).exists() && !driver.path(&"v2".into()).exists());
    }

    #[tokio::test]
    async fn of_the_corpus_only_the_harmless_become_volumes() {
        let (directory, driver) = driver();
        driver.prepare(HashSet::new()).await.unwrap();
        let path = directory.path().join("image");
        let spec = VolumeSpec { id: "v1".into(), size_gb: 1 };
        for specimen in testing::hostile() {
            std::fs::write(&path, &specimen.bytes).unwrap();
            let made = driver.ensure(spec.clone(), image(path.clone(), specimen.declared)).await;
            assert!(made.is_err(), "{} as {}", specimen.name, specimen.declared);
            assert_eq!(std::fs::read_dir(&driver.directory).unwrap().count(), 0, "{}", specimen.name);
        }
        for specimen in testing::harmless() {
            std::fs::write(&path, &specimen.bytes).unwrap();
            let made = driver.ensure(spec.clone(), image(path.clone(), specimen.declared)).await;
            assert!(made.is_ok(), "{}: {made:?}", specimen.name);
            driver.remove(spec.id.clone()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_image_that_does_not_fit_leaves_nothing_behind() {
        let (directory, driver) = driver();
        driver.prepare(HashSet::new()).await.unwrap();
        let large = directory.path().join("large");
        File::create(&large).unwrap().set_len(2 * GIB).unwrap();
        let spec = VolumeSpec { id: "v1".into(), size_gb: 1 };
        assert!(driver.ensure(spec, image(large, "raw")).await.is_err());
        assert_eq!(std::fs::read_dir(directory.path().join("volumes")).unwrap().count(), 0);
    }
}
