//! What is made once: the cloud's own id, the administrator and the file with his credentials.

use std::io;
use std::path::{Path, PathBuf};

use identity::IdentityService;
use kit::Fault;
use kit::config::Config;

use super::StartError;
use crate::clouds::{self, AdminCloud};

/// There until the administrator's file is written: a crash in between must not leave a cloud that nobody can enter.
const MARKER: &str = "first-start";
const CLOUD_ID: &str = "cloud-id";

/// What there is of a cloud once it has been prepared.
#[derive(Debug, Clone)]
pub struct Made {
    /// Whether it was not there before.
    pub first: bool,
    /// Where all of it is.
    pub data_dir: PathBuf,
    /// Where it answers.
    pub public_url: String,
    /// The file that clients trust it by, where it is not the system's matter.
    pub ca_file: Option<PathBuf>,
    /// The name and range of the guests' network.
    pub guests: (String, String),
    /// The range of the external network, and where it is.
    pub external: String,
}

impl Made {
    pub(super) fn new(first: bool, config: &Config, public_url: &str, ca_file: Option<PathBuf>) -> Self {
        let network = &config.network;
        Self {
            first,
            data_dir: config.data_dir.0.clone(),
            public_url: public_url.to_owned(),
            ca_file,
            guests: (network.default_name.clone(), network.default_cidr.clone()),
            external: match network.external_interface.as_str() {
                "" => format!("{}, on this host", network.external_cidr),
                interface => format!("{}, in the LAN at {interface}", network.external_range),
            },
        }
    }
}

/// Makes the administrator at the first start, and writes `clouds.yaml`. Whether it is the first.
pub(super) async fn administrator(
    identity: &IdentityService,
    data_dir: &Path,
    public_url: &str,
    ca_file: Option<&Path>,
    region: &str,
) -> Result<bool, StartError> {
    let failed = |fault: Fault| StartError::Bootstrap { service: "identity", reason: fault.causes() };
    let unwritten = |source: io::Error| StartError::DataDir { path: data_dir.to_owned(), source };
    let auth_url = format!("{public_url}/identity/v3");
    let (marker, file) = (data_dir.join(MARKER), data_dir.join(clouds::FILE_NAME));
    let interrupted = marker.exists();
    if !file.exists() && !interrupted && !data_dir.join(CLOUD_ID).exists() {
        std::fs::write(&marker, "The administrator's credentials are being made.\n").map_err(unwritten)?;
    }
    let password = match identity.bootstrap(public_url, region).await.map_err(failed)? {
        None if interrupted => Some(identity.reset_admin_password().await.map_err(failed)?),
        password => password,
    };
    let first = password.is_some();
    if let Some(password) = password {
        let cloud = AdminCloud { auth_url: &auth_url, cacert: ca_file, password: password.expose(), region };
        clouds::write_admin(&file, &cloud).map_err(unwritten)?;
        tracing::info!(file = %file.display(), "the administrator's credentials are in this file");
    } else {
        clouds::refresh(&file, &auth_url, ca_file).map_err(unwritten)?;
    }
    cloud_id(data_dir)?;
    match std::fs::remove_file(&marker) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritten(error)),
        _ => Ok(first),
    }
}

/// The id of the cloud in `data_dir`: what tells its guests from another's on the same libvirt.
pub(super) fn cloud_id(data_dir: &Path) -> Result<String, StartError> {
    let unusable = |source: io::Error| StartError::DataDir { path: data_dir.to_owned(), source };
    let path = data_dir.join(CLOUD_ID);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = uuid::Uuid::new_v4().to_string();
            std::fs::write(&path, format!("{id}\n")).map_err(unusable)?;
            Ok(id)
        }
        Err(error) => Err(unusable(error)),
    }
}
