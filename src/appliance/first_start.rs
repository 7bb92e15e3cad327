//! What is made once: the cloud's own id, the administrator and the file with his credentials.

use std::io;
use std::path::Path;

use identity::IdentityService;
use kit::Fault;

use super::StartError;
use crate::clouds::{self, AdminCloud};

/// There until the administrator's file is written: a crash in between must not leave a cloud that nobody can enter.
const MARKER: &str = "first-start";
const CLOUD_ID: &str = "cloud-id";

/// Makes the administrator at the first start, and writes `clouds.yaml`.
pub(super) async fn administrator(
    identity: &IdentityService,
    data_dir: &Path,
    public_url: &str,
    ca_file: Option<&Path>,
    region: &str,
) -> Result<(), StartError> {
    let failed = |fault: Fault| StartError::Bootstrap { service: "identity", reason: fault.chain() };
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
        _ => Ok(()),
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
