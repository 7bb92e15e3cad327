//! The staging area: bytes that were sent or fetched for an import, until it is over.
//!
//! All files of an image begin with its id. The one with the id alone is what a client staged, whole.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

use kit::ids::ImageId;

use super::blocking;
use super::draft::Draft;
use super::file::sweep;

/// The directory.
#[derive(Debug, Clone)]
pub struct Staging {
    directory: PathBuf,
}

impl Staging {
    /// The staging area in `directory`.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The file `name` of it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// A place for what a client stages.
    pub fn draft(&self, id: &ImageId) -> Draft {
        Draft::new(self.path(&format!("{id}.part")))
    }

    /// Removes all files of `id` but the one called `keep`.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn clear(&self, id: &ImageId, keep: Option<&str>) -> io::Result<()> {
        let (directory, id, keep) = (self.directory.clone(), id.to_string(), keep.map(str::to_owned));
        blocking(move || sweep(&directory, |name| belongs(name) == id && keep.as_deref() != Some(name))).await
    }

    /// Those of `ids` of which nothing is staged: a copy of a cloud has none of it.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn without(&self, ids: HashSet<String>) -> io::Result<Vec<ImageId>> {
        let directory = self.directory.clone();
        blocking(move || {
            let mut lost = Vec::new();
            for id in ids {
                if !directory.join(&id).try_exists()? {
                    lost.push(ImageId::new(id));
                }
            }
            Ok(lost)
        })
        .await
    }

    /// Makes the directory and removes what is neither staged whole nor of an import that is to go on.
    ///
    /// # Errors
    /// When the directory cannot be made or read.
    pub async fn prepare(&self, staged: HashSet<String>, importing: HashSet<String>) -> io::Result<()> {
        let directory = self.directory.clone();
        blocking(move || {
            std::fs::create_dir_all(&directory)?;
            sweep(&directory, |name| !staged.contains(name) && !importing.contains(belongs(name)))
        })
        .await
    }
}

/// The id of the image that a file belongs to.
fn belongs(name: &str) -> &str {
    name.split_once('.').map_or(name, |(id, _)| id)
}
