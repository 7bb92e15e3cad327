//! The way of a copy to the image service: as a file that both can read, else over its API.

use std::collections::BTreeMap;

use bus::Target;
use bus::topics::compute_types::TaskState;
use bus::topics::image::{ReceiveFile, Reception};
use hyper::StatusCode;
use kit::{Deadline, Fault, FaultKind, RequestContext};

use super::{STEP, Snapshot, advance, image_gone};
use crate::agent::NAME;
use crate::work::{Work, patiently};

/// Has the image service take the copy; the image is active then.
pub(super) async fn send(work: &Work, snapshot: &mut Snapshot) -> Result<(), Fault> {
    advance(work, TaskState::ImageUploading).await?;
    let timer = work.context.trace.time(NAME, "send image");
    let sent = send_now(work, snapshot).await;
    timer.finish(sent.as_ref().err().map(ToString::to_string));
    match sent {
        Err(fault) if matches!(fault.kind(), FaultKind::NotFound | FaultKind::Gone) => {
            Err(image_gone(&snapshot.image_id).caused_by(fault))
        }
        sent => sent,
    }
}

async fn send_now(work: &Work, snapshot: &Snapshot) -> Result<(), Fault> {
    let file = work.agent.paths.snapshot(&work.server_id);
    let message = ReceiveFile {
        image_id: snapshot.image_id.clone(),
        path: file.clone(),
        disk_format: "qcow2".to_owned(),
        container_format: "bare".to_owned(),
        properties: properties(snapshot),
    };
    let ask = || {
        let context = RequestContext { deadline: Some(Deadline::after(STEP)), ..work.own.clone() };
        let message = message.clone();
        async move { work.agent.client.call(&context, Target::Any, message).await }
    };
    match patiently(ask).await? {
        Reception::Taken => Ok(()),
        Reception::SendTo(url) => {
            let sent = work.agent.image_service.put(&url, work.context.token(), file).await;
            judge(snapshot, sent.map_err(|error| unavailable(snapshot).caused_by(error))?)
        }
    }
}

/// What Nova says of every snapshot once its bytes are known.
fn properties(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let said =
        [("image_location", "snapshot"), ("image_state", "available"), ("owner_id", snapshot.project_id.as_str())];
    said.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn unavailable(snapshot: &Snapshot) -> Fault {
    Fault::unavailable(format!("The data of image {} could not be sent.", snapshot.image_id))
}

/// What the image service said to the bytes.
fn judge(snapshot: &Snapshot, status: StatusCode) -> Result<(), Fault> {
    let image_id = &snapshot.image_id;
    match status {
        StatusCode::NO_CONTENT => Ok(()),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(Fault::not_found(format!("Image {image_id} is gone."))),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(Fault::forbidden(format!("Not authorized for image {image_id}.")))
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            Err(Fault::too_large(format!("Image {image_id} is larger than the image service takes.")))
        }
        _ => Err(unavailable(snapshot)),
    }
}
