//! `/attachments`: the attachments API, from 3.27 on.

use std::sync::Arc;

use bus::topics::volume::Connector;
use http_kit::{Condition, Endpoint, Reply, Request, Target};
use kit::Fault;
use kit::ids::{AttachmentId, HostId, ServerId, VolumeId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Volumes;
use crate::attach::no_such_attachment;
use crate::db::attachments;
use crate::domain::volume::Attachment;
use crate::view;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Volumes>] = &[
    Endpoint::get("/attachments", "volume:get_all", &list).since(3, 27),
    Endpoint::get("/attachments/detail", "volume:get_all", &detail).since(3, 27),
    Endpoint::get("/attachments/{attachment_id}", "volume:get", &show).since(3, 27),
    Endpoint::post("/attachments", "volume:attachment_create", &create).since(3, 27),
    Endpoint::put("/attachments/{attachment_id}", "volume:attachment_update", &update).since(3, 27).deferred(),
    Endpoint::delete("/attachments/{attachment_id}", "volume:attachment_delete", &delete).since(3, 27).deferred(),
    Endpoint::action("/attachments/{attachment_id}/action", "os-complete", "volume:attachment_complete", &complete)
        .since(3, 44)
        .deferred(),
];

#[derive(Deserialize)]
struct Body<T> {
    attachment: T,
}

#[derive(Deserialize)]
struct Create {
    volume_uuid: VolumeId,
    instance_uuid: Option<ServerId>,
    connector: Option<Value>,
}

#[derive(Deserialize)]
struct Update {
    connector: Value,
}

async fn list(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    service.list_attachments(&request, view::attachments::summary).await
}

async fn detail(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    service.list_attachments(&request, view::attachments::detail).await
}

async fn show(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let (attachment, _) = service.visible_attachment(&request, None).await?;
    Ok(Reply::ok(json!({ "attachment": view::attachments::detail(&attachment) })))
}

async fn create(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let Body { attachment: wanted } = request.json::<Body<Create>>()?;
    service.visible(&request.context, &wanted.volume_uuid).await?;
    let mut attachment = service.reserve(&wanted.volume_uuid, wanted.instance_uuid.as_ref()).await?;
    if let Some(connector) =
        wanted.connector.filter(|connector| connector.as_object().is_some_and(|map| !map.is_empty()))
    {
        attachment = service
            .connect(&request.context, &attachment.id, connector_of(&connector)?, mountpoint(&connector))
            .await?;
    }
    Ok(Reply::ok(json!({ "attachment": view::attachments::detail(&attachment) })))
}

async fn update(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let (attachment, _) = service.visible_attachment(&request, Some("volume:attachment_update")).await?;
    let Body { attachment: Update { connector } } = request.json()?;
    let device = mountpoint(&connector);
    let attachment = service.connect(&request.context, &attachment.id, connector_of(&connector)?, device).await?;
    Ok(Reply::ok(json!({ "attachment": view::attachments::detail(&attachment) })))
}

async fn delete(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let (attachment, _) = service.visible_attachment(&request, Some("volume:attachment_delete")).await?;
    let left = service.detach(&request.context, &attachment.id).await?;
    Ok(Reply::ok(json!({ "attachments": left.iter().map(view::attachments::summary).collect::<Vec<_>>() })))
}

async fn complete(service: Arc<Volumes>, request: Request) -> Result<Reply, Fault> {
    let (attachment, _) = service.visible_attachment(&request, Some("volume:attachment_complete")).await?;
    service.complete(&attachment.id, None).await?;
    Ok(Reply::empty(204))
}

fn connector_of(connector: &Value) -> Result<Connector, Fault> {
    let host = connector.get("host").and_then(Value::as_str);
    let host = host.ok_or_else(|| Fault::bad_request("Invalid input received: the connector must name its host."))?;
    Ok(Connector { host: HostId::new(host) })
}

fn mountpoint(connector: &Value) -> Option<String> {
    connector.get("mountpoint").and_then(Value::as_str).map(str::to_owned)
}

impl Volumes {
    /// The attachment that the path names, with its project, if the caller may do what `rule` is about.
    async fn visible_attachment(&self, request: &Request, rule: Option<&str>) -> Result<(Attachment, String), Fault> {
        let id = AttachmentId::new(request.param("attachment_id")?);
        let (attachment, volume) = self.attachment(&id).await?;
        if !volume.is_visible_to(&request.context) {
            return Err(no_such_attachment(id.as_str()));
        }
        if let Some(rule) = rule {
            request.authorize(rule, &Target::project(&volume.project_id))?;
        }
        Ok((attachment, volume.project_id.to_string()))
    }

    async fn list_attachments(&self, request: &Request, show: fn(&Attachment) -> Value) -> Result<Reply, Fault> {
        let query = request.query();
        let all = request.context.is_admin() && query.flag("all_tenants");
        let project = request.context.require_project()?.as_str();
        let volumes = if all { Condition::all() } else { Condition::is("project_id", project) };
        let mut condition = Condition::all();
        for (name, column) in [("volume_id", "volume_id"), ("instance_id", "server_id"), ("status", "status")] {
            if let Some(value) = query.get(name) {
                condition = condition.and(Condition::is(column, value));
            }
        }
        let found = self.store.read(move |db| attachments::list(db, volumes, condition).map_err(Fault::from)).await?;
        Ok(Reply::ok(json!({ "attachments": found.iter().map(show).collect::<Vec<_>>() })))
    }
}
