//! An image as Glance shows it: flat, with the custom properties among the others.

use kit::time::seconds_z;
use serde::{Serialize, Serializer};

use crate::domain::image::Image;

/// The image's body. A list has a thousand of them: it is written as it is looked at, without a copy of it in between.
pub fn image(image: &Image) -> impl Serialize {
    Shown { body: Body::of(image), custom: Custom(image) }
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    body: Body<'a>,
    #[serde(flatten)]
    custom: Custom<'a>,
}

/// What every image has, and some sometimes have.
#[derive(Serialize)]
struct Body<'a> {
    name: Option<&'a str>,
    disk_format: Option<&'a str>,
    container_format: Option<&'a str>,
    visibility: &'static str,
    size: Option<i64>,
    virtual_size: Option<i64>,
    status: &'static str,
    checksum: Option<&'a str>,
    protected: bool,
    min_ram: i64,
    min_disk: i64,
    owner: Option<&'a str>,
    os_hidden: bool,
    os_hash_algo: Option<&'static str>,
    os_hash_value: Option<&'a str>,
    id: &'a str,
    created_at: String,
    updated_at: String,
    tags: &'a [String],
    file: String,
    #[serde(rename = "self")]
    link: String,
    schema: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stores: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_glance_import_task: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_glance_importing_to_stores: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_glance_failed_import: Option<&'a str>,
}

impl<'a> Body<'a> {
    fn of(image: &'a Image) -> Self {
        let link = format!("/v2/images/{}", image.id);
        let notes = &image.import;
        Self {
            name: image.name.as_deref(),
            disk_format: image.disk_format.as_deref(),
            container_format: image.container_format.as_deref(),
            visibility: image.visibility.as_str(),
            size: image.size,
            virtual_size: image.virtual_size,
            status: image.status.as_str(),
            checksum: image.checksum.as_deref(),
            protected: image.protected,
            min_ram: image.min_ram,
            min_disk: image.min_disk,
            owner: image.owner.as_ref().map(|owner| owner.as_str()),
            os_hidden: image.os_hidden,
            os_hash_algo: image.sha512.as_ref().map(|_| "sha512"),
            os_hash_value: image.sha512.as_deref(),
            id: image.id.as_str(),
            created_at: seconds_z(image.created_at),
            updated_at: seconds_z(image.updated_at),
            tags: &image.tags,
            file: format!("{link}/file"),
            link,
            schema: "/v2/schemas/image",
            stores: (!image.stores.is_empty()).then(|| image.stores.join(",")),
            os_glance_import_task: notes.task.as_deref(),
            os_glance_importing_to_stores: notes.importing_to.as_deref(),
            os_glance_failed_import: notes.failed.as_deref(),
        }
    }
}

/// The custom properties.
struct Custom<'a>(&'a Image);

impl Serialize for Custom<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0.properties)
    }
}
