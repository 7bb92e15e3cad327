//! `/images/{id}/file`: an image's bytes.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;

use crate::Images;
use crate::backends::file::FileStore;
use crate::backends::{disk_fault, read};
use crate::domain::image::Status;
use crate::domain::range;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::put("/images/{image_id}/file", "upload_image", &upload).streams().deferred(),
    Endpoint::get("/images/{image_id}/file", "download_image", &download).deferred(),
];

async fn upload(service: Arc<Images>, mut request: Request) -> Result<Reply, Fault> {
    octets(&request)?;
    let size = announced(&request)?;
    let image = service.find(&request, "upload_image").await?;
    let store = chosen(&service, &request)?;
    let body = request.take_body_stream();
    service.upload(&request.context, &image, &store, body, size).await?;
    Ok(Reply::no_content())
}

/// The store that the request names, or the default one.
fn chosen(service: &Images, request: &Request) -> Result<Arc<FileStore>, Fault> {
    match request.header("x-image-meta-store") {
        None => service.stores.known(service.stores.default_id()).cloned(),
        Some(id) => {
            let store = service.stores.get(id).cloned();
            store.ok_or_else(|| Fault::bad_request(format!("There is no store called '{id}'.")))
        }
    }
}

/// Whether the body is bytes.
pub(super) fn octets(request: &Request) -> Result<(), Fault> {
    let media_type = request.media_type().unwrap_or_default();
    if media_type == "application/octet-stream" {
        return Ok(());
    }
    Err(Fault::unsupported_media_type(format!("The request media type {media_type} is not supported by this server.")))
}

/// How many bytes the client says there are, where it does.
pub(super) fn announced(request: &Request) -> Result<Option<u64>, Fault> {
    let header = request.header("x-openstack-image-size").or_else(|| request.header("content-length"));
    let wrong = || Fault::bad_request("Invalid or missing image size in request headers.");
    header.map(|size| size.trim().parse().map_err(|_| wrong())).transpose()
}

async fn download(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = service.find(&request, "download_image").await?;
    if image.status == Status::Deactivated && !request.context.is_admin() {
        return Err(Fault::forbidden("The requested image has been deactivated. Image data download is forbidden."));
    }
    let preferred = preferred(&service, &request).await?;
    let Some(size) = image.size.and_then(|size| u64::try_from(size).ok()).filter(|_| image.status.has_bytes()) else {
        return Ok(Reply::no_content());
    };
    let part = range::asked(request.header("range"), request.header("content-range"), size)?;
    let path = match service.cached_file(&image).await {
        Some(cached) => cached,
        None => service.holder(&image, &preferred).await?.path(image.sha512.as_deref().unwrap_or_default()),
    };
    let (file, length) = read::open(path).await.map_err(disk_fault)?;
    if length != size {
        return Err(Fault::internal("reading an image", format!("{} has {length} bytes, not {size}", image.id)));
    }
    let reply = match part {
        None => Reply::stream(read::stream(file, 0..size), Some(size)),
        Some(part) => {
            let described = format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1));
            let length = part.end - part.start;
            Reply::stream(read::stream(file, part), Some(length)).with_status(206).header("Content-Range", described)
        }
    };
    Ok(match &image.checksum {
        Some(md5) => reply.header("Content-MD5", md5),
        None => reply,
    })
}

/// The stores that the query would rather have it from.
async fn preferred(service: &Images, request: &Request) -> Result<Vec<String>, Fault> {
    let query = request.query();
    let wanted: Vec<String> =
        query.get("prefer").unwrap_or_default().split(',').map(|id| id.trim().to_owned()).collect();
    let wanted: Vec<String> = wanted.into_iter().filter(|id| !id.is_empty()).collect();
    if wanted.is_empty() {
        return Ok(wanted);
    }
    service.find(request, "download_from_store").await?;
    match wanted.iter().find(|id| service.stores.get(id).is_none()) {
        Some(unknown) => Err(Fault::bad_request(format!("Store '{unknown}' is not configured."))),
        None => Ok(wanted),
    }
}
