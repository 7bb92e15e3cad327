//! All that the documents are made of: a server's row, its disks and what it keeps here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bus::topics::compute_types::BlockDevice;
use kit::Secret;
use kit::ids::ServerId;
use rusqlite::{Connection, params};
use store::query;

use crate::db::instances::InstanceRow;
use crate::db::{block_devices, instances};

/// Nova's `dhcp_domain`.
const DOMAIN: &str = "novalocal";

/// One guest.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    /// Its server.
    pub(crate) row: InstanceRow,
    /// Its disks.
    pub(crate) devices: Vec<BlockDevice>,
    /// What its random seed is made of.
    pub(crate) seed: Vec<u8>,
    /// The password that it posted, encrypted with its key.
    pub(crate) password: Option<String>,
    /// What every guest is given by whoever runs the cloud: an object.
    pub(crate) vendor_data: serde_json::Value,
}

impl Guest {
    /// Its full name.
    pub(crate) fn hostname(&self) -> String {
        format!("{}.{DOMAIN}", self.row.hostname)
    }

    /// Its user data, as it was before it was encoded to be sent.
    pub(crate) fn user_data(&self) -> Option<Vec<u8>> {
        let text: String =
            self.row.user_data.as_ref().map(Secret::expose)?.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        STANDARD.decode(text).ok()
    }
}

/// The guest of a server, unless it is deleted; nothing also where nothing has been kept for it yet.
pub(crate) fn get(conn: &Connection, id: &ServerId) -> Result<Option<Guest>, store::Error> {
    let Some(row) = instances::get(conn, id)? else { return Ok(None) };
    const SQL: &str = "SELECT seed, password FROM compute_guest_data WHERE instance_id = ?1";
    let kept = query::opt(conn, SQL, params![id.as_str()], |row| Ok((row.get("seed")?, row.get("password")?)))?;
    let Some((seed, password)) = kept else { return Ok(None) };
    let (devices, vendor_data) = (block_devices::of_instance(conn, id)?, serde_json::json!({}));
    Ok(Some(Guest { devices, row, seed, password, vendor_data }))
}

/// As [`get`]; what is to be kept for it begins with `seed`.
pub(crate) fn get_or_insert(conn: &Connection, id: &ServerId, seed: &[u8]) -> Result<Option<Guest>, store::Error> {
    if instances::get(conn, id)?.is_some() {
        const SQL: &str = "INSERT OR IGNORE INTO compute_guest_data (instance_id, seed) VALUES (?1, ?2)";
        query::execute(conn, SQL, params![id.as_str(), seed])?;
    }
    get(conn, id)
}

/// Keeps the password that a guest posted; says whether it is its first.
pub(crate) fn set_password(conn: &Connection, id: &ServerId, password: &str) -> Result<bool, store::Error> {
    const SQL: &str =
        "UPDATE compute_guest_data SET password = ?2 WHERE instance_id = ?1 AND COALESCE(password, '') = ''";
    Ok(query::execute(conn, SQL, params![id.as_str(), password])? == 1)
}
