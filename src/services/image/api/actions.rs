//! `/images/{id}/actions`: an image's bytes are kept back, and given out again.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;

use crate::Images;
use crate::db::images;
use crate::domain::image::Status;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::post("/images/{image_id}/actions/deactivate", "deactivate", &deactivate).deferred(),
    Endpoint::post("/images/{image_id}/actions/reactivate", "reactivate", &reactivate).deferred(),
];

async fn deactivate(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    change(&service, &request, "deactivate", Status::Active, Status::Deactivated).await
}

async fn reactivate(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    change(&service, &request, "reactivate", Status::Deactivated, Status::Active).await
}

/// Moves the image from one status to the other; one that is there already stays.
async fn change(service: &Images, request: &Request, rule: &str, from: Status, to: Status) -> Result<Reply, Fault> {
    let image = service.find(request, rule).await?;
    let (id, now) = (image.id.clone(), service.clock.now());
    let status = service
        .store
        .write(move |db| {
            if images::change_status(db, &id, from, to, now)? {
                return Ok(Some(to));
            }
            images::get(db, &id).map(|image| image.map(|image| image.status))
        })
        .await?;
    match status {
        Some(status) if status == to => Ok(Reply::no_content()),
        Some(status) => {
            let status = status.as_str();
            Err(Fault::forbidden(format!("Not allowed to {rule} image in status '{status}'")))
        }
        None => Err(super::images::no_such_image(image.id.as_str())),
    }
}
