//! Which bytes are whose: giving an image its bytes in a store, and taking away what no image needs.

use std::sync::Arc;

use kit::ids::ImageId;
use kit::{Fault, crash};
use store::Connection;

use crate::Images;
use crate::backends::draft::{self, Draft};
use crate::backends::file::FileStore;
use crate::backends::{BUILT_IN, blocking, disk_fault};
use crate::db::{cache, images, locations};
use crate::domain::cache::Part;
use crate::domain::image::Image;

impl Images {
    /// Keeps `draft`, whose bytes are on the disk, in `store`, and has `record` write down that they are an image's: that is one
    /// step, for whoever deletes images. `record` says whether the image still wanted them.
    ///
    /// # Errors
    /// What the disk or the database says; nothing is kept then.
    pub(crate) async fn settle(
        &self,
        store: &FileStore,
        draft: Draft,
        sha512: &str,
        point: &str,
        record: impl FnOnce(&Connection) -> Result<bool, Fault> + Send + 'static,
    ) -> Result<bool, Fault> {
        let _naming = self.stores.naming().await;
        store.keep(draft, sha512).await.map_err(disk_fault)?;
        crash::point(point, "keep", "after");
        let recorded = self.store.write(record).await;
        if !matches!(recorded, Ok(true)) {
            self.remove_unused(store, sha512).await;
        }
        recorded
    }

    /// Takes an image away, with the bytes that no other one has; whether there was one.
    ///
    /// # Errors
    /// A 403 for a protected one; what the database says. Bytes that could not be removed are the next start's.
    pub(crate) async fn destroy(&self, id: &ImageId) -> Result<bool, Fault> {
        let of = id.clone();
        let forgotten = self
            .store
            .write(move |db| -> Result<_, Fault> {
                // Looked at here, so that a protection that has just been set holds.
                if images::get(db, &of)?.is_some_and(|image| image.protected) {
                    return Err(Fault::forbidden(format!("Image {of} is protected and cannot be deleted.")));
                }
                let held = locations::of(db, &of)?;
                let cached = cache::forget(db, &Part::Image(of.clone()))?;
                Ok(images::delete(db, &of)?.then_some((held, cached)))
            })
            .await?;
        let Some((held, cached)) = forgotten else { return Ok(false) };
        // A crash here leaves files that the next start removes.
        crash::point("image.delete", "forget", "after");
        for location in held {
            self.release(&location.store, &location.sha512).await;
        }
        self.remove_cached(cached).await;
        // What is still coming in goes with whoever takes it in.
        let staged = self.staging.path(id.as_str());
        if !self.imports.cancel(id)
            && let Err(error) = blocking(move || draft::remove(&staged)).await
        {
            tracing::warn!(image_id = %id, %error, "what was staged for a deleted image stays until the next start");
        }
        Ok(true)
    }

    /// Removes bytes that an image had, where no other one has them.
    pub(crate) async fn release(&self, store: &str, sha512: &str) {
        let Some(store) = self.stores.get(store) else { return };
        let _naming = self.stores.naming().await;
        self.remove_unused(store, sha512).await;
    }

    /// Removes bytes from `store` that no image has. The caller has the right to name.
    async fn remove_unused(&self, store: &FileStore, sha512: &str) {
        let (id, hash) = (store.id().to_owned(), sha512.to_owned());
        let removed = match self.store.read(move |db| locations::is_used(db, &id, &hash).map_err(Fault::from)).await {
            Ok(true) => return,
            Ok(false) => store.remove(sha512).await.map_err(disk_fault),
            Err(fault) => Err(fault),
        };
        if let Err(fault) = removed {
            tracing::warn!(store = store.id(), error = %fault.chain(), "bytes of no image stay until the next start");
        }
    }

    /// Gives files that an earlier version named after their images the names of their contents. It can be repeated.
    ///
    /// # Errors
    /// What the disk or the database says.
    pub(crate) async fn name_by_content(&self) -> Result<(), Fault> {
        let store = self.stores.known(BUILT_IN)?;
        for (id, sha512) in self.store.read(|db| locations::unlocated(db).map_err(Fault::from)).await? {
            let draft = store.path(id.as_str());
            if tokio::fs::try_exists(&draft).await.map_err(disk_fault)? {
                store.keep(Draft::new(draft), &sha512).await.map_err(disk_fault)?;
            }
            let add = move |db: &Connection| locations::add(db, &id, BUILT_IN, &sha512).map_err(Fault::from);
            self.store.write(add).await?;
        }
        Ok(())
    }

    /// The store that an image's bytes are to be taken from: where none has them, the one where they should be, so that whoever
    /// wants them finds out.
    pub(crate) async fn place_of(&self, image: &Image) -> Option<Arc<FileStore>> {
        match self.holder(image, &[]).await {
            Ok(store) => Some(store),
            Err(_) => image.stores.iter().find_map(|id| self.stores.get(id)).cloned(),
        }
    }

    /// The first of the image's stores that has its bytes; those of `preferred` come first.
    ///
    /// # Errors
    /// A 503 where none has. Glance answers 204 then, which clients take for an empty image.
    pub(crate) async fn holder(&self, image: &Image, preferred: &[String]) -> Result<Arc<FileStore>, Fault> {
        let sha512 = image.sha512.as_deref().unwrap_or_default();
        let (first, rest): (Vec<_>, Vec<_>) = image.stores.iter().partition(|store| preferred.contains(store));
        for id in first.into_iter().chain(rest) {
            if let Some(store) = self.stores.get(id)
                && store.holds(sha512).await
            {
                return Ok(store.clone());
            }
        }
        let stores = image.stores.join(", ");
        tracing::error!(image_id = %image.id, stores, "an image's bytes are in none of its stores");
        Err(Fault::unavailable(format!(
            "The data of image {} cannot be read: they are not to be found in {stores}. Mount the store and try again.",
            image.id
        )))
    }
}
