//! Fetching an image's bytes from the image service's API, for a host that does not share the image store's files.

use std::path::PathBuf;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::StatusCode;
use kit::{Fault, Secret};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::intake::{Expected, Intake};
use super::remove_draft;
use crate::disks::DiskError;
use crate::image_service::{ImageService, SILENCE};

/// How many pieces wait to be written.
const QUEUE: usize = 16;

/// Writes what `service` answers for `url` to the draft `to`.
pub(super) async fn download(
    service: &ImageService,
    (url, token): (&str, Option<&Secret>),
    to: PathBuf,
    expected: Expected,
    stop: CancellationToken,
) -> Result<(), Fault> {
    let unavailable = || Fault::unavailable(format!("The data of image {} could not be fetched.", expected.name));
    let response = service.get(url, token).await.map_err(|error| unavailable().caused_by(error))?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::NO_CONTENT => {
            return Err(Fault::not_found(format!("Image {} could not be found.", expected.name)));
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(Fault::forbidden(format!("Not authorized for image {}.", expected.name)));
        }
        _ => return Err(unavailable()),
    }
    let (pieces, queue) = mpsc::channel(QUEUE);
    let name = expected.name.clone();
    let writing = tokio::task::spawn_blocking(move || write(queue, &to, &expected, &stop));
    let received = receive(response.into_body(), pieces, &name).await;
    let written = writing.await.unwrap_or_else(|_| Err(DiskError::CutOff.into()));
    // A cut stream looks to the writer like a short image: the cut is what to tell.
    received.and(written)
}

async fn receive(mut body: hyper::body::Incoming, pieces: mpsc::Sender<Bytes>, name: &str) -> Result<(), Fault> {
    let cut = || Fault::unavailable(format!("The data of image {name} were cut off."));
    loop {
        let frame = tokio::time::timeout(SILENCE, body.frame()).await.map_err(|error| cut().caused_by(error))?;
        let Some(frame) = frame else { return Ok(()) };
        let frame = frame.map_err(|error| cut().caused_by(error))?;
        if let Ok(piece) = frame.into_data()
            && pieces.send(piece).await.is_err()
        {
            // The writer has ended, and says why.
            return Ok(());
        }
    }
}

fn write(
    mut queue: mpsc::Receiver<Bytes>,
    to: &std::path::Path,
    expected: &Expected,
    stop: &CancellationToken,
) -> Result<(), Fault> {
    let mut written = || {
        let mut intake = Intake::create(to)?;
        while let Some(piece) = queue.blocking_recv() {
            intake.push(&piece)?;
        }
        intake.finish(expected)
    };
    let written = written();
    if stop.is_cancelled() {
        remove_draft(to);
    }
    written
}
