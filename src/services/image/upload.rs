//! An upload: from a stream of chunks to an active image, or back to a queued one.
//!
//! The chunks go through a short queue to a thread that hashes and writes them: no byte of it is worked on by an
//! async worker, and a slow disk slows the client down instead of filling memory.

use std::io;

use http_kit::Bytes;
use http_kit::request::BodyStream;
use kit::disk_image::Inspection;
use kit::ids::ImageId;
use kit::{Fault, crash};
use tokio::sync::mpsc;

use crate::Images;
use crate::backends::file::{Incoming, Received};
use crate::db::images::{self, Content};
use crate::domain::image::{Image, Status};

/// How many chunks wait to be written.
const QUEUED_CHUNKS: usize = 8;
/// What an upload's points for tests of crashes are called.
const POINTS: &str = "image.upload";

impl Images {
    /// Receives the bytes of `image`, which must be queued.
    pub(crate) async fn upload(&self, image: &Image, body: BodyStream) -> Result<(), Fault> {
        let declared = declared_format(image)?;
        self.take(image).await?;
        crash::point(POINTS, "take", "after");
        let received = self.receive(&image.id, body).await;
        crash::point(POINTS, "receive", "after");
        let result = match received {
            Ok((incoming, received)) => match self.judge(&declared, &received) {
                Ok(()) => self.finish(&image.id, incoming, received).await,
                Err(fault) => Err(fault),
            },
            Err(fault) => Err(fault),
        };
        if result.is_err() {
            let (id, now) = (image.id.clone(), self.clock.now());
            self.store.write(move |db| images::change_status(db, &id, Status::Saving, Status::Queued, now)).await?;
            crash::point(POINTS, "give up", "after");
        }
        result
    }

    /// queued → saving: only one upload gets through.
    async fn take(&self, image: &Image) -> Result<(), Fault> {
        let (id, now) = (image.id.clone(), self.clock.now());
        let taken =
            self.store.write(move |db| images::change_status(db, &id, Status::Queued, Status::Saving, now)).await?;
        if taken {
            return Ok(());
        }
        let from = image.status.as_str();
        Err(Fault::conflict(format!("Image status transition from {from} to saving is not allowed")))
    }

    async fn receive(&self, id: &ImageId, mut body: BodyStream) -> Result<(Incoming, Received), Fault> {
        let (chunks, mut queue) = mpsc::channel::<Bytes>(QUEUED_CHUNKS);
        let (files, id, limit) = (self.files.clone(), id.clone(), self.config.max_size_bytes);
        let writer = tokio::task::spawn_blocking(move || -> Result<(Incoming, Received), Fault> {
            let mut incoming = files.receive(&id).map_err(|error| disk_fault(&error))?;
            while let Some(chunk) = queue.blocking_recv() {
                incoming.write(&chunk).map_err(|error| disk_fault(&error))?;
                if incoming.size() > limit {
                    return Err(Fault::too_large(format!(
                        "The image is larger than the {limit} bytes that are allowed."
                    )));
                }
            }
            let summary = incoming.summary();
            Ok((incoming, summary))
        });
        let mut cut_off = None;
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => {
                    if chunks.send(chunk).await.is_err() {
                        // The writer has given up: it says why below.
                        break;
                    }
                }
                Err(fault) => {
                    cut_off = Some(fault);
                    break;
                }
            }
        }
        drop(chunks);
        let written = writer.await.map_err(|error| Fault::internal("writing an image", error))?;
        match cut_off {
            Some(fault) => Err(fault),
            None => written,
        }
    }

    /// Whether the bytes may be kept.
    fn judge(&self, declared: &str, received: &Received) -> Result<(), Fault> {
        if !self.config.enforce_format {
            return Ok(());
        }
        let Inspection { format, danger, .. } = received.inspection;
        if let Some(danger) = danger {
            return Err(Fault::unsupported_media_type(format!("The image is refused: {danger}.")));
        }
        if !format.answers_to(declared) {
            return Err(Fault::unsupported_media_type(format!(
                "The image is refused: its disk_format is {declared}, but its contents are {format}."
            )));
        }
        Ok(())
    }

    /// saving → active, or away with it when the image was deleted meanwhile.
    async fn finish(&self, id: &ImageId, incoming: Incoming, received: Received) -> Result<(), Fault> {
        tokio::task::spawn_blocking(move || incoming.keep())
            .await
            .map_err(|error| Fault::internal("keeping an image", error))?
            .map_err(|error| disk_fault(&error))?;
        crash::point(POINTS, "keep", "after");
        let content = Content {
            size: i64::try_from(received.size).unwrap_or(i64::MAX),
            virtual_size: received.inspection.virtual_size.and_then(|size| i64::try_from(size).ok()),
            md5: received.md5,
            sha512: received.sha512,
        };
        let (of, now) = (id.clone(), self.clock.now());
        if self.store.write(move |db| images::activate(db, &of, &content, now)).await? {
            crash::point(POINTS, "activate", "after");
            tracing::info!(image_id = %id, size = received.size, "image is active");
            return Ok(());
        }
        self.files.remove(id).await.map_err(|error| Fault::internal("removing a deleted image's bytes", error))?;
        Err(Fault::not_found(format!("Image {id} was deleted while its bytes were received.")))
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

fn disk_fault(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Fault::too_large(
            "Image storage media is full: there is not enough disk space on the image storage media. Free some and try again.",
        ),
        _ => Fault::internal("writing an image", io::Error::new(error.kind(), error.to_string())),
    }
}
