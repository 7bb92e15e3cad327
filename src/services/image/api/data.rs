//! `/images/{id}/file`: an image's bytes.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;
use tokio_util::io::ReaderStream;

use crate::Images;
use crate::domain::image::Status;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::put("/images/{image_id}/file", "upload_image", &upload).streams().deferred(),
    Endpoint::get("/images/{image_id}/file", "download_image", &download).deferred(),
];

/// How much is read from an image at once.
const CHUNK: usize = 128 * 1024;

async fn upload(service: Arc<Images>, mut request: Request) -> Result<Reply, Fault> {
    let media_type = request.media_type().unwrap_or_default();
    if media_type != "application/octet-stream" {
        return Err(Fault::unsupported_media_type(format!(
            "The request media type {media_type} is not supported by this server."
        )));
    }
    let image = service.find(&request, "upload_image").await?;
    service.upload(&image, request.take_body_stream()).await?;
    Ok(Reply::no_content())
}

async fn download(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = service.find(&request, "download_image").await?;
    if image.status == Status::Deactivated && !request.context.is_admin() {
        return Err(Fault::forbidden("The requested image has been deactivated. Image data download is forbidden."));
    }
    if !image.status.has_bytes() {
        return Ok(Reply::no_content());
    }
    let file = tokio::fs::File::open(service.files.path(&image.id)).await;
    let file = file.map_err(|error| Fault::internal("opening an image", error))?;
    let length = image.size.and_then(|size| u64::try_from(size).ok());
    let reply = Reply::stream(ReaderStream::with_capacity(file, CHUNK), length);
    Ok(match &image.checksum {
        Some(md5) => reply.header("Content-MD5", md5),
        None => reply,
    })
}
