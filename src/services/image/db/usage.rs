//! What a project has of each resource that is limited.

use store::{Connection, Error, query};

use crate::domain::quota::Resource;

/// An import that copies to further stores, as long as it has some to do.
const COPYING: &str = "coalesce(i.importing_to, '') <> ''";

/// How much of `resource` the project `owner` has; sizes in whole MiB.
pub fn of(db: &Connection, owner: &str, resource: Resource) -> Result<i64, Error> {
    let (what, which) = match resource {
        Resource::CountTotal => ("count(*)", "1".to_owned()),
        // Each store that has the bytes counts.
        Resource::SizeTotal => (
            "coalesce(sum(i.size * (SELECT count(*) FROM image_locations l WHERE l.image_id = i.id)), 0) >> 20",
            "i.size > 0".to_owned(),
        ),
        Resource::StageTotal => (
            "coalesce(sum(i.size), 0) >> 20",
            format!("i.size > 0 AND (i.status IN ('uploading', 'importing') OR {COPYING})"),
        ),
        Resource::CountUploading => {
            ("count(*)", format!("(i.status IN ('saving', 'uploading', 'importing') OR {COPYING})"))
        }
    };
    let sql = format!("SELECT {what} FROM image_images i WHERE i.owner = ?1 AND {which}");
    query::one(db, &sql, [owner], |row| row.get(0))
}
