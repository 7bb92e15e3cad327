//! An upload: from a stream of chunks to an active image, or back to a queued one. And staging, which stops half-way.

use futures_util::Stream;
use http_kit::Bytes;
use http_kit::request::BodyStream;
use kit::disk_image::Inspection;
use kit::{Fault, RequestContext, crash};

use crate::Images;
use crate::backends::disk_fault;
use crate::backends::file::FileStore;
use crate::db::images;
use crate::db::{locations, staged};
use crate::domain::content::Content;
use crate::domain::image::{Image, Status};
use crate::domain::quota::{Limits, Resource};
use crate::intake::{self, Limit, Received, Wish};
use crate::quota;

/// What an upload's points for tests of crashes are called.
const UPLOAD: &str = "image.upload";
/// What staging's are.
const STAGE: &str = "image.stage";

impl Images {
    /// Receives the bytes of `image`, which must be queued, into `store`. `size` is how many the client says there are.
    pub(crate) async fn upload(
        &self,
        context: &RequestContext,
        image: &Image,
        store: &FileStore,
        body: impl Stream<Item = Result<Bytes, Fault>>,
        size: Option<u64>,
    ) -> Result<(), Fault> {
        let declared = declared_format(image)?;
        let quotas = [(Resource::SizeTotal, mebibytes(size)), (Resource::CountUploading, 0)];
        self.move_on(context, image, Status::Saving, quotas).await?;
        crash::point(UPLOAD, "take", "after");
        let result = self.take_in(image, store, body, size, &declared).await;
        if result.is_err() {
            self.move_back(image, Status::Saving).await?;
            crash::point(UPLOAD, "give up", "after");
        }
        result
    }

    async fn take_in(
        &self,
        image: &Image,
        store: &FileStore,
        body: impl Stream<Item = Result<Bytes, Fault>>,
        size: Option<u64>,
        declared: &str,
    ) -> Result<(), Fault> {
        let limit = self.limit();
        let draft = store.draft();
        let wish = Wish { to: Some(draft.path().to_owned()), hash: true, limit };
        let seen = |_| crash::point(UPLOAD, "receive", "within");
        let received = intake::receive(body, wish, &self.stores.writers, seen).await;
        crash::point(UPLOAD, "receive", "after");
        let judged = received.and_then(|received| {
            as_announced(size, received.size)?;
            self.judge(declared, &received.inspection)?;
            Ok(Content::from(received))
        });
        let content = match judged {
            Ok(content) => content,
            Err(fault) => {
                draft.discard().await;
                return Err(fault);
            }
        };
        let (id, now, place) = (image.id.clone(), self.clock.now(), store.id().to_owned());
        let (bytes, sha512) = (content.size, content.sha512.clone());
        let record = move |db: &store::Connection| -> Result<bool, Fault> {
            let wanted = images::activate(db, &id, &content, Status::Saving, now)?;
            Ok(wanted && locations::add(db, &id, &place, &content.sha512)?)
        };
        if self.settle(store, draft, &sha512, UPLOAD, record).await? {
            crash::point(UPLOAD, "activate", "after");
            tracing::info!(image_id = %image.id, size = bytes, "image is active");
            return Ok(());
        }
        Err(Fault::gone(format!(
            "Image {} could not be found after upload. It was deleted meanwhile; what was uploaded is removed.",
            image.id
        )))
    }

    /// Receives the bytes of `image`, which must be queued, for an import.
    pub(crate) async fn stage(
        &self,
        context: &RequestContext,
        image: &Image,
        body: BodyStream,
        size: Option<u64>,
    ) -> Result<(), Fault> {
        let quotas = [(Resource::StageTotal, mebibytes(size)), (Resource::CountUploading, 0)];
        self.move_on(context, image, Status::Uploading, quotas).await?;
        crash::point(STAGE, "take", "after");
        let result = self.take_to_staging(image, body, size).await;
        if result.is_err() {
            self.move_back(image, Status::Uploading).await?;
            crash::point(STAGE, "give up", "after");
        }
        result
    }

    async fn take_to_staging(&self, image: &Image, body: BodyStream, size: Option<u64>) -> Result<(), Fault> {
        let limit = self.limit();
        let draft = self.staging.draft(&image.id);
        let wish = Wish { to: Some(draft.path().to_owned()), hash: false, limit };
        let seen = |_| crash::point(STAGE, "receive", "within");
        let received = intake::receive(body, wish, &self.stores.writers, seen).await;
        crash::point(STAGE, "receive", "after");
        let judged = received.and_then(|received| as_announced(size, received.size).map(|()| received.size));
        let bytes = match judged {
            Ok(bytes) => bytes,
            Err(fault) => {
                draft.discard().await;
                return Err(fault);
            }
        };
        draft.publish(self.staging.path(image.id.as_str())).await.map_err(disk_fault)?;
        crash::point(STAGE, "keep", "after");
        let (id, now) = (image.id.clone(), self.clock.now());
        let recorded = self.store.write(move |db| staged::add(db, &id, bytes, now).map_err(Fault::from)).await;
        crash::point(STAGE, "note", "after");
        if matches!(recorded, Ok(true)) {
            return Ok(());
        }
        self.staging.clear(&image.id, None).await.map_err(disk_fault)?;
        recorded?;
        Err(Fault::not_found(format!("No image found with ID {}", image.id)))
    }

    /// From the queue to another status, if the quotas allow it: only one gets through.
    async fn move_on<const N: usize>(
        &self,
        context: &RequestContext,
        image: &Image,
        to: Status,
        quotas: [(Resource, i64); N],
    ) -> Result<(), Fault> {
        let limits = self.limits_of(context, image).await?;
        let (id, owner, now) = (image.id.clone(), image.owner.clone(), self.clock.now());
        let write = move |db: &store::Connection| -> Result<(), Fault> {
            if !images::change_status(db, &id, Status::Queued, to, now)? {
                return Err(not_from(images::get(db, &id)?.map(|image| image.status), to));
            }
            // It counts itself by now.
            quota::check(db, &limits, owner.as_ref(), &quotas)
        };
        self.store.write(write).await
    }

    /// What limits the owner of `image`.
    pub(crate) async fn limits_of(&self, context: &RequestContext, image: &Image) -> Result<Limits, Fault> {
        match &image.owner {
            Some(owner) => self.limits(context, owner).await,
            None => Ok(Limits::default()),
        }
    }

    /// Back in the queue.
    async fn move_back(&self, image: &Image, from: Status) -> Result<(), Fault> {
        let (id, now) = (image.id.clone(), self.clock.now());
        self.store.write(move |db| images::change_status(db, &id, from, Status::Queued, now)).await?;
        Ok(())
    }

    /// How many bytes may be taken for an image.
    pub(crate) fn limit(&self) -> Limit {
        let bytes = self.config.max_size_bytes;
        let fault = Fault::too_large(format!("The image is larger than the {bytes} bytes that are allowed."));
        Limit { bytes, fault }
    }

    /// Whether the bytes may be kept.
    pub(crate) fn judge(&self, declared: &str, inspection: &Inspection) -> Result<(), Fault> {
        if !self.config.enforce_format {
            return Ok(());
        }
        self.check(declared, inspection)
    }

    /// Whether the bytes are of the format that was declared, and safe to open.
    ///
    /// # Errors
    /// A 415 that says why not.
    pub(crate) fn check(&self, declared: &str, inspection: &Inspection) -> Result<(), Fault> {
        let judged = inspection.judge(declared, self.config.max_virtual_size_bytes);
        judged.map_err(|why| Fault::unsupported_media_type(format!("The image is refused: {why}.")))
    }
}

/// An image that is `present` (none: deleted meanwhile) cannot become `to`.
fn not_from(present: Option<Status>, to: Status) -> Fault {
    let from = present.map_or("deleted", Status::as_str);
    Fault::conflict(format!("Image status transition from {from} to {} is not allowed", to.as_str()))
}

/// As quotas count: whole MiB, as far as it is known.
fn mebibytes(size: Option<u64>) -> i64 {
    size.and_then(|size| i64::try_from(size >> 20).ok()).unwrap_or_default()
}

/// Whether as many bytes came as were announced.
fn as_announced(announced: Option<u64>, received: u64) -> Result<(), Fault> {
    match announced {
        Some(size) if size != received => {
            Err(Fault::bad_request(format!("{size} bytes were announced, but {received} came.")))
        }
        _ => Ok(()),
    }
}

/// The declared format; both must be set before bytes are taken.
fn declared_format(image: &Image) -> Result<String, Fault> {
    let missing: Vec<&str> = [("disk_format", &image.disk_format), ("container_format", &image.container_format)]
        .into_iter()
        .filter_map(|(name, value)| value.is_none().then_some(name))
        .collect();
    match &image.disk_format {
        Some(format) if missing.is_empty() => Ok(format.clone()),
        _ => Err(Fault::bad_request(format!("Properties {} must be set prior to saving data.", missing.join(", ")))),
    }
}

impl From<Received> for Content {
    fn from(received: Received) -> Self {
        Self {
            size: i64::try_from(received.size).unwrap_or(i64::MAX),
            virtual_size: received.inspection.virtual_size.and_then(|size| i64::try_from(size).ok()),
            md5: received.md5,
            sha512: received.sha512,
        }
    }
}
