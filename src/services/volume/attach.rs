//! Attachments: reserve, connect, complete, detach. Status and attachments change in one transaction.

use std::sync::Arc;

use bus::Target;
use bus::topics::volume::{ConnectionInfo, Connector};
use bus::topics::volume_agent::{ConnectVolume, DisconnectVolume, VolumeSpec};
use kit::ids::{AttachmentId, ServerId, VolumeId};
use kit::{Fault, RequestContext, Timestamp};
use store::Connection;

use crate::Volumes;
use crate::db::{attachments, volumes};
use crate::domain::volume::{Attachment, AttachmentStatus, Status, Volume, status_of};

impl Volumes {
    /// Takes a volume for a server. A server that has taken it already gets the same attachment again.
    pub(crate) async fn reserve(&self, id: &VolumeId, server: Option<&ServerId>) -> Result<Attachment, Fault> {
        let (id, server, now) = (id.clone(), server.cloned(), self.clock.now());
        self.store.write(move |db| reserve(db, &id, server, now)).await
    }

    /// Connects an attachment to a host.
    pub(crate) async fn connect(
        &self,
        context: &RequestContext,
        id: &AttachmentId,
        connector: Connector,
        device: Option<String>,
    ) -> Result<Attachment, Fault> {
        let (attachment, volume) = self.attachment(id).await?;
        if attachment.connection.is_some() && attachment.host.as_ref() == Some(&connector.host) {
            return Ok(attachment);
        }
        let connection = self.connect_on_host(context, &volume, &connector).await?;
        let (id, now) = (id.clone(), self.clock.now());
        self.store
            .write(move |db| {
                change(db, &id, now, |attachment| {
                    attachment.status = AttachmentStatus::Attaching;
                    attachment.host = Some(connector.host);
                    attachment.device = device.or(attachment.device.take());
                    attachment.connection = Some(connection);
                })
            })
            .await
    }

    async fn connect_on_host(
        &self,
        context: &RequestContext,
        volume: &Volume,
        connector: &Connector,
    ) -> Result<ConnectionInfo, Fault> {
        let Some((host, _)) = &volume.place else {
            return Err(Fault::conflict(format!("Volume {} is not on any host yet.", volume.id)));
        };
        let size_gb = u64::try_from(volume.size_gb).unwrap_or_default();
        let spec = VolumeSpec { id: volume.id.clone(), size_gb };
        let connect = ConnectVolume { volume: spec, connector: connector.clone(), read_only: false };
        self.client.call(context, Target::host(host), connect).await
    }

    /// The guest has it.
    pub(crate) async fn complete(&self, id: &AttachmentId, device: Option<String>) -> Result<(), Fault> {
        let (id, now) = (id.clone(), self.clock.now());
        let completed = self.store.write(move |db| {
            change(db, &id, now, |attachment| {
                attachment.status = AttachmentStatus::Attached;
                attachment.device = device.or(attachment.device.take());
                attachment.attached_at.get_or_insert(now);
            })
        });
        completed.await.map(|_| ())
    }

    /// Ends an attachment; fine when there is none.
    pub(crate) async fn detach(&self, context: &RequestContext, id: &AttachmentId) -> Result<Vec<Attachment>, Fault> {
        let (attachment, volume) = match self.attachment(id).await {
            Ok(found) => found,
            Err(fault) if fault.kind() == kit::FaultKind::NotFound => return Ok(Vec::new()),
            Err(fault) => return Err(fault),
        };
        if let (Some((place, _)), Some(host)) = (&volume.place, &attachment.host) {
            let disconnect =
                DisconnectVolume { volume_id: volume.id.clone(), connector: Connector { host: host.clone() } };
            self.client.call(context, Target::host(place), disconnect).await?;
        }
        let now = self.clock.now();
        self.store
            .write(move |db| {
                attachments::delete(db, &attachment.id)?;
                let left = attachments::of_volume(db, &volume.id)?;
                volumes::change_status(db, &volume.id, ATTACHED, status_of(&left), now)?;
                Ok(left)
            })
            .await
    }

    /// The attachment with its volume.
    pub(crate) async fn attachment(&self, id: &AttachmentId) -> Result<(Attachment, Volume), Fault> {
        let wanted = id.clone();
        let found = self.store.read(move |db| -> Result<_, Fault> {
            let Some(attachment) = attachments::get(db, &wanted)? else { return Ok(None) };
            let volume = volumes::get(db, &attachment.volume_id)?;
            Ok(volume.map(|volume| (attachment, volume)))
        });
        found.await?.ok_or_else(|| no_such_attachment(id.as_str()))
    }

    /// in-use → detaching, or back.
    pub(crate) async fn mark_detaching(self: &Arc<Self>, id: &VolumeId, from: Status, to: Status) -> Result<(), Fault> {
        let (wanted, now) = (id.clone(), self.clock.now());
        let marked = self
            .store
            .write(move |db| volumes::change_status(db, &wanted, &[from], to, now).map_err(Fault::from))
            .await?;
        if marked {
            return Ok(());
        }
        let volume = self.volume(id).await?;
        if volume.status == to {
            return Ok(());
        }
        Err(Fault::bad_request(format!(
            "Invalid volume: Unable to detach volume. Volume status must be '{}' and attach_status must be 'attached' to detach. \
             Its status is '{}'.",
            from.as_str(),
            volume.status.as_str()
        )))
    }
}

/// The states that a volume with attachments can be in.
const ATTACHED: &[Status] = &[Status::Reserved, Status::Attaching, Status::InUse, Status::Detaching];

fn reserve(db: &Connection, id: &VolumeId, server: Option<ServerId>, now: Timestamp) -> Result<Attachment, Fault> {
    let volume = volumes::get(db, id)?.ok_or_else(|| no_such_volume(id.as_str()))?;
    let mine = volume.attachments.iter().find(|attachment| server.is_some() && attachment.server_id == server);
    if let Some(mine) = mine {
        return Ok(mine.clone());
    }
    volume.check_reserve()?;
    let attachment = Attachment {
        id: AttachmentId::random(),
        volume_id: id.clone(),
        server_id: server,
        status: AttachmentStatus::Reserved,
        host: None,
        device: None,
        connection: None,
        created_at: now,
        attached_at: None,
    };
    attachments::put(db, &attachment)?;
    let all: Vec<_> = volume.attachments.into_iter().chain([attachment.clone()]).collect();
    volumes::change_status(db, id, &[], status_of(&all), now)?;
    Ok(attachment)
}

/// Changes an attachment and, with it, the status of its volume.
fn change(
    db: &Connection,
    id: &AttachmentId,
    now: Timestamp,
    change: impl FnOnce(&mut Attachment),
) -> Result<Attachment, Fault> {
    let mut attachment = attachments::get(db, id)?.ok_or_else(|| no_such_attachment(id.as_str()))?;
    change(&mut attachment);
    attachments::put(db, &attachment)?;
    let all = attachments::of_volume(db, &attachment.volume_id)?;
    volumes::change_status(db, &attachment.volume_id, ATTACHED, status_of(&all), now)?;
    Ok(attachment)
}

/// There is no such volume, as far as the caller may know.
pub(crate) fn no_such_volume(id: &str) -> Fault {
    Fault::not_found(format!("Volume {id} could not be found."))
}

/// There is no such attachment, as far as the caller may know.
pub(crate) fn no_such_attachment(id: &str) -> Fault {
    Fault::not_found(format!("Volume attachment could not be found with filter: attachment_id = {id}."))
}
