//! What the image of a server says of itself: Nova's properties, those of the image that the server was made of, the client's own.

use std::collections::BTreeMap;

use bus::topics::image::Image;
use kit::RequestContext;
use serde::{Deserialize, Serialize};

use crate::db::instances::InstanceRow;

/// What is about the bytes of the old image, or about its owner's secrets, and not about what is on the disk now.
const NOT_INHERITED: &[&str] = &[
    "bittorrent",
    "block_device_mapping",
    "cache_in_nova",
    "cinder_encryption_key_deletion_policy",
    "cinder_encryption_key_id",
    "img_signature",
    "img_signature_certificate_uuid",
    "img_signature_hash_method",
    "img_signature_key_type",
    "mappings",
];
/// What the image service writes itself.
const OWN_OF_IMAGES: &str = "os_glance";

/// Of what and by whom a server was made, as far as nothing else of it says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// The smallest disk that its image says it fits on, in GiB.
    pub min_disk_gb: u64,
    /// The least memory that its image says it runs with, in MiB.
    pub min_ram_mb: u64,
    /// The roles of the user who made it, separated by commas.
    pub boot_roles: String,
    /// What that user is called.
    pub owner_user_name: String,
    /// What the project is called.
    pub owner_project_name: String,
}

impl Origin {
    /// Of a server that the caller makes of an image that asks for so much.
    #[must_use]
    pub fn new(context: &RequestContext, (min_disk_gb, min_ram_mb): (u64, u64)) -> Self {
        let identity = context.identity();
        let roles = identity.into_iter().flat_map(|identity| identity.roles.iter().map(|role| role.name.as_str()));
        let project = identity.and_then(|identity| match &identity.scope {
            kit::Scope::Project(project) => Some(project.name.clone()),
            _ => None,
        });
        Self {
            min_disk_gb,
            min_ram_mb,
            boot_roles: roles.collect::<Vec<_>>().join(","),
            owner_user_name: identity.map(|identity| identity.user.name.clone()).unwrap_or_default(),
            owner_project_name: project.unwrap_or_default(),
        }
    }
}

/// What `image` asks for of whoever boots it: a disk in GiB, memory in MiB.
#[must_use]
pub fn least(image: &Image) -> (u64, u64) {
    (image.min_disk_gb, image.min_ram_mb)
}

/// The smallest disk that an image of the server fits on, in GiB: its disk may be full.
#[must_use]
pub fn min_disk_gb(row: &InstanceRow) -> u64 {
    row.origin.min_disk_gb.max(row.flavor.disk_gb)
}

/// The properties of an image that the caller makes of the server. What the client gives comes before all else.
#[must_use]
pub fn properties(
    row: &InstanceRow,
    context: &RequestContext,
    given: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let inherited = |name: &str| !NOT_INHERITED.contains(&name) && !name.starts_with(OWN_OF_IMAGES);
    let mut properties = row.image_properties.clone();
    properties.retain(|name, _| inherited(name));
    let mut say = |name: &str, value: &str| {
        if !value.is_empty() {
            properties.insert(name.to_owned(), value.to_owned());
        }
    };
    say("base_image_ref", row.image_id.as_ref().map_or("", AsRef::as_ref));
    say("boot_roles", &row.origin.boot_roles);
    say("owner_user_name", &row.origin.owner_user_name);
    say("owner_project_name", &row.origin.owner_project_name);
    say("instance_uuid", row.id.as_str());
    say("user_id", context.user_id().map_or("", AsRef::as_ref));
    say("image_type", "snapshot");
    if context.project_id() != Some(&row.project_id) {
        say("instance_owner", row.project_id.as_str());
    }
    properties.extend(given);
    properties
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::instances::tests::full;

    fn of(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_about_the_disk_is_inherited_and_the_client_has_the_last_word() {
        let mut row = full();
        row.image_properties = of(&[
            ("hw_disk_bus", "scsi"),
            ("os_distro", "debian"),
            ("img_signature", "x"),
            ("cache_in_nova", "x"),
            ("os_glance_import_task", "x"),
            ("instance_uuid", "an older server"),
        ]);
        row.origin = Origin { min_disk_gb: 0, boot_roles: "reader,member".into(), ..Origin::default() };
        let context = RequestContext::service("test");
        let found = properties(&row, &context, of(&[("os_distro", "mine"), ("note", "n")]));
        assert_eq!(
            found,
            of(&[
                ("base_image_ref", "image"),
                ("boot_roles", "reader,member"),
                ("hw_disk_bus", "scsi"),
                ("image_type", "snapshot"),
                ("instance_owner", "project"),
                ("instance_uuid", "id"),
                ("note", "n"),
                ("os_distro", "mine"),
            ])
        );
    }

    #[test]
    fn it_needs_the_disk_of_the_flavor_or_more() {
        let mut row = full();
        row.flavor.disk_gb = 4;
        row.origin.min_disk_gb = 3;
        assert_eq!(min_disk_gb(&row), 4);
        row.origin.min_disk_gb = 5;
        assert_eq!(min_disk_gb(&row), 5);
    }
}
