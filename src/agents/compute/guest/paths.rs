//! Where a host keeps its guests' files.
//!
//! ```text
//! <data>/instances/<server id>/   disk, disk.eph0, disk.swap, disk.config, disk.snapshot, console.log, instance.json
//! <data>/image-cache/             read-only base images
//! <data>/run/                     sockets, named after the domain: the path must fit into 107 bytes
//! ```

use std::path::PathBuf;

use kit::Fault;
use kit::ids::ServerId;

/// The longest path of a socket.
const SOCKET_PATH_MAX: usize = hypervisor::spec::SOCKET_PATH_MAX;
/// The longest name below `run`: `/run/instance-ffffffff.serial`.
const SOCKET_NAME_MAX: usize = 29;

/// The directories below the data directory.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    data: PathBuf,
}

impl Paths {
    /// The directories below `data`.
    pub fn new(data: PathBuf) -> Self {
        Self { data }
    }

    /// Whether sockets below the data directory have paths that are short enough.
    ///
    /// # Errors
    /// Which directory is too long.
    pub fn check(&self) -> Result<(), Fault> {
        let length = self.data.as_os_str().len();
        if self.data.is_absolute() && length + SOCKET_NAME_MAX <= SOCKET_PATH_MAX {
            return Ok(());
        }
        let most = SOCKET_PATH_MAX - SOCKET_NAME_MAX;
        Err(Fault::internal(
            "preparing the data directory",
            format!("{:?} must be absolute and at most {most} bytes long, because of the sockets in it", self.data),
        ))
    }

    /// All guests' directories.
    pub fn instances(&self) -> PathBuf {
        self.data.join("instances")
    }

    /// The base images.
    pub fn image_cache(&self) -> PathBuf {
        self.data.join("image-cache")
    }

    /// The sockets.
    pub fn run(&self) -> PathBuf {
        self.data.join("run")
    }

    /// A guest's own directory.
    pub fn instance(&self, id: &ServerId) -> PathBuf {
        self.instances().join(id.as_str())
    }

    /// A guest's file.
    pub fn file(&self, id: &ServerId, name: &str) -> PathBuf {
        self.instance(id).join(name)
    }

    /// A copy of its root disk, on its way to the image service.
    pub fn snapshot(&self, id: &ServerId) -> PathBuf {
        self.file(id, "disk.snapshot")
    }

    /// What the guest prints on its serial console.
    pub fn console_log(&self, id: &ServerId) -> PathBuf {
        self.file(id, "console.log")
    }

    /// A socket of the domain `name`.
    pub fn socket(&self, name: &str, kind: &str) -> PathBuf {
        self.run().join(format!("{name}.{kind}"))
    }
}

/// Whether `id` has the form of a UUID: it becomes the name of a directory.
///
/// # Errors
/// A 400 where not.
pub(crate) fn check_id(id: &ServerId) -> Result<(), Fault> {
    match uuid::Uuid::try_parse(id.as_str()) {
        Ok(uuid) if uuid.hyphenated().to_string() == id.as_str() => Ok(()),
        _ => Err(Fault::bad_request(format!("Invalid server id {id}."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_data_directory_is_refused() {
        let fits = "/d".repeat((SOCKET_PATH_MAX - SOCKET_NAME_MAX) / 2);
        let paths = Paths::new(PathBuf::from(&fits));
        paths.check().unwrap();
        assert!(paths.socket("instance-ffffffff", "serial").as_os_str().len() <= SOCKET_PATH_MAX);
        assert!(Paths::new(PathBuf::from(format!("{fits}/x"))).check().is_err());
        assert!(Paths::new(PathBuf::from("relative")).check().is_err());
    }

    #[test]
    fn only_uuids_become_directories() {
        check_id(&ServerId::random()).unwrap();
        for id in ["..", "", "a/b", "00000000000000000000000000000000"] {
            assert!(check_id(&id.into()).is_err(), "{id}");
        }
    }
}
