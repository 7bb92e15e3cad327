//! The services around the agent, as far as it sees them: they remember what was asked, and fail when told to.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bus::topics::compute_types::*;
use bus::topics::conductor::{self, *};
use bus::topics::image::{self, DiscardSnapshot, GetImage, Image, ReceiveFile, Reception};
use bus::topics::metadata::{self, MetadataFile, RenderConfigDrive};
use bus::topics::network::{self, AllocateForInstance, BindPort, DeallocateForInstance};
use bus::topics::volume::{self, *};
use bus::{Bus, Message, Server, ServerHandle};
use kit::ids::*;
use kit::{Fault, RequestContext, Span};
use tokio::sync::Notify;

/// When a method that was told to fail does so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

#[derive(Debug, Clone)]
pub struct FakeVolume {
    pub status: String,
    pub attachments: BTreeMap<ServerId, AttachmentId>,
    pub connected: bool,
}

impl FakeVolume {
    pub fn new(status: &str) -> Self {
        Self { status: status.to_owned(), attachments: BTreeMap::new(), connected: false }
    }
}

/// What the services know, and what they were asked.
#[derive(Default)]
pub struct State {
    pub instances: HashMap<ServerId, Instance>,
    pub images: HashMap<ImageId, Image>,
    pub ports: HashMap<ServerId, Vec<Vif>>,
    pub volumes: HashMap<VolumeId, FakeVolume>,
    pub journals: BTreeMap<WorkflowId, JournalRecord>,
    pub calls: Vec<(&'static str, bool)>,
    pub failures: HashMap<&'static str, (Fault, When, usize)>,
    /// These methods take their time, and only then look at or change anything.
    pub delays: HashMap<&'static str, Duration>,
    pub build_failures: Vec<BuildFailed>,
    pub operation_failures: Vec<OperationFailed>,
    pub events: Vec<ReportEvent>,
    pub spans: Vec<Span>,
    pub power_changes: Vec<PowerStateChanged>,
    pub registered: Vec<RegisterHost>,
    pub tasks: Vec<Option<TaskState>>,
    /// Where snapshots are to be sent; they are read from their files otherwise.
    pub send_images_to: Option<String>,
    /// New volumes stay in this state.
    pub new_volume_status: Option<String>,
}

impl State {
    fn instance(&mut self, id: &ServerId) -> Result<&mut Instance, Fault> {
        self.instances.get_mut(id).ok_or_else(|| Fault::not_found(format!("Instance {id} could not be found.")))
    }

    fn volume(&mut self, id: &VolumeId) -> Result<&mut FakeVolume, Fault> {
        self.volumes.get_mut(id).ok_or_else(|| Fault::not_found(format!("Volume {id} could not be found.")))
    }

    fn with_attachment(&mut self, id: &AttachmentId) -> Option<&mut FakeVolume> {
        self.volumes.values_mut().find(|volume| volume.attachments.values().any(|other| other == id))
    }

    /// What `answer` says, unless the method was told to fail.
    fn answer<M: Message>(
        &mut self,
        message: M,
        answer: &impl Fn(&mut State, M) -> Result<M::Reply, Fault>,
    ) -> Result<M::Reply, Fault> {
        let planned = match self.failures.get_mut(M::METHOD) {
            Some((fault, when, times)) if *times > 0 => {
                *times -= 1;
                Some((fault.clone(), *when))
            }
            _ => None,
        };
        match planned {
            Some((fault, When::Before)) => Err(fault),
            Some((fault, When::After)) => answer(self, message).and(Err(fault)),
            None => answer(self, message),
        }
    }

    pub fn count(&self, method: &str) -> usize {
        self.calls.iter().filter(|(name, _)| *name == method).count()
    }
}

/// The services.
#[derive(Clone, Default)]
pub struct Cloud {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

impl Cloud {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next `times` calls of `method` fail with `fault`.
    pub fn fail(&self, method: &'static str, fault: Fault, when: When, times: usize) {
        self.lock().failures.insert(method, (fault, when, times));
    }

    /// Waits until `holds`.
    pub async fn until(&self, what: &str, holds: impl Fn(&State) -> bool) {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                if holds(&self.lock()) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("{what} did not happen"));
    }

    pub fn serve(&self, bus: &Bus) -> Vec<ServerHandle> {
        vec![self.conductor(bus), self.image(bus), self.network(bus), self.volume(bus), self.metadata(bus)]
    }

    fn on<M: Message>(
        &self,
        server: Server,
        answer: impl Fn(&mut State, M) -> Result<M::Reply, Fault> + Send + Sync + 'static,
    ) -> Server {
        let (cloud, answer) = (self.clone(), Arc::new(answer));
        server.on(move |context: RequestContext, message: M| {
            let (cloud, answer) = (cloud.clone(), Arc::clone(&answer));
            let delay = {
                let mut state = cloud.lock();
                state.calls.push((M::METHOD, context.token().is_some()));
                state.delays.get(M::METHOD).copied()
            };
            async move {
                if let Some(delay) = delay {
                    tokio::time::sleep(delay).await;
                }
                let result = cloud.lock().answer(message, &*answer);
                cloud.changed.notify_waiters();
                result
            }
        })
    }

    fn conductor(&self, bus: &Bus) -> ServerHandle {
        let server = bus.server(conductor::TOPIC);
        let server = self.on(server, |state, m: GetInstance| state.instance(&m.server_id).cloned());
        let server = self.on(server, update);
        let server = self.on(server, |state, m: UpdateBlockDevice| {
            let mut devices = state.instances.values_mut().flat_map(|instance| &mut instance.block_devices);
            let device = devices.find(|device| device.id == m.id).ok_or_else(|| Fault::not_found("no such mapping"))?;
            device.volume_id = m.volume_id.or(device.volume_id.take());
            device.attachment_id = m.attachment_id.or(device.attachment_id.take());
            device.connection = m.connection.or(device.connection.take());
            device.device_name = m.device_name.or(device.device_name.take());
            Ok(())
        });
        let server = self.on(server, |state, m: BuildFailed| {
            state.build_failures.push(m);
            Ok(())
        });
        let server = self.on(server, |state, m: OperationFailed| {
            let instance = state.instance(&m.server_id)?;
            instance.task_state = None;
            instance.snapshot_image = None;
            instance.vm_state = m.vm_state.unwrap_or(instance.vm_state);
            state.operation_failures.push(m);
            Ok(())
        });
        let server = self.on(server, |state, m: InstanceDeleted| {
            state.instances.remove(&m.server_id);
            Ok(())
        });
        let server = self.on(server, |state, m: VolumeDetached| {
            let instance = state.instance(&m.server_id)?;
            instance.block_devices.retain(|device| device.volume_id.as_ref() != Some(&m.volume_id));
            Ok(())
        });
        let server = self.on(server, |state, m: PowerStateChanged| {
            state.instance(&m.server_id)?.power_state = m.power_state;
            state.power_changes.push(m);
            Ok(())
        });
        let server = self.on(server, |state, m: RegisterHost| {
            state.registered.push(m);
            Ok(HostRegistered { instances: state.instances.values().cloned().collect() })
        });
        let server = self.on(server, |state, m: ReportEvent| {
            state.events.push(m);
            Ok(())
        });
        let server = self.on(server, |state, m: ReportSpans| {
            state.spans.extend(m.spans);
            Ok(())
        });
        let server = self.on(server, |state, m: SaveJournal| {
            state.journals.insert(m.record.id.clone(), m.record);
            Ok(())
        });
        let server = self.on(server, |state, m: FinishJournal| {
            state.journals.remove(&m.id);
            Ok(())
        });
        self.on(server, |state, _: UnfinishedJournals| Ok(state.journals.values().cloned().collect())).start()
    }

    fn image(&self, bus: &Bus) -> ServerHandle {
        let get = |state: &mut State, m: GetImage| {
            state.images.get(&m.image_id).cloned().ok_or_else(|| Fault::not_found("No image found"))
        };
        let server = self.on(bus.server(image::TOPIC), get);
        let server = self.on(server, receive);
        self.on(server, |state, m: DiscardSnapshot| {
            state.images.remove(&m.image_id);
            Ok(())
        })
        .start()
    }

    fn network(&self, bus: &Bus) -> ServerHandle {
        let server = bus.server(network::TOPIC);
        let server = self.on(server, |state, m: AllocateForInstance| {
            let made = m.networks.iter().enumerate().map(|(index, wanted)| vif(index, wanted)).collect();
            Ok(state.ports.entry(m.server_id).or_insert(made).clone())
        });
        let server = self.on(server, |state, m: BindPort| {
            let vifs = state.ports.get_mut(&m.server_id).ok_or_else(|| Fault::not_found("no ports"))?;
            let vif =
                vifs.iter_mut().find(|vif| vif.port_id == m.port_id).ok_or_else(|| Fault::not_found("no port"))?;
            vif.device = Some(format!("tap{}", &m.port_id.as_str()[..8]));
            Ok(vif.clone())
        });
        self.on(server, |state, m: DeallocateForInstance| {
            state.ports.remove(&m.server_id);
            Ok(())
        })
        .start()
    }

    fn volume(&self, bus: &Bus) -> ServerHandle {
        let server = bus.server(volume::TOPIC);
        let server = self.on(server, |state, m: GetVolume| {
            let status = state.volume(&m.volume_id)?.status.clone();
            Ok(described(m.volume_id, status))
        });
        let server = self.on(server, |state, m: CreateVolume| {
            let status = state.new_volume_status.clone().unwrap_or_else(|| "available".to_owned());
            let volume = state.volumes.entry(m.volume_id.clone()).or_insert_with(|| FakeVolume::new(&status));
            Ok(described(m.volume_id, volume.status.clone()))
        });
        let server = self.on(server, |state, m: ReserveVolume| reserve(state.volume(&m.volume_id)?, m.server_id));
        let server = self.on(server, attach);
        let server = self.on(server, |state, m: CompleteAttachment| {
            let volume = state.with_attachment(&m.attachment_id).ok_or_else(|| Fault::not_found("no attachment"))?;
            volume.status = "in-use".to_owned();
            Ok(())
        });
        let server = self.on(server, |state, m: DetachVolume| {
            if let Some(volume) = state.with_attachment(&m.attachment_id) {
                volume.attachments.clear();
                volume.status = "available".to_owned();
                volume.connected = false;
            }
            Ok(())
        });
        let server = self.on(server, |state, m: RollDetaching| {
            state.volume(&m.volume_id)?.status = "in-use".to_owned();
            Ok(())
        });
        self.on(server, |state, m: DeleteVolume| {
            let attached = state.volumes.get(&m.volume_id).is_some_and(|volume| !volume.attachments.is_empty());
            if attached {
                return Err(Fault::bad_request("Volume is attached."));
            }
            state.volumes.remove(&m.volume_id);
            Ok(())
        })
        .start()
    }

    fn metadata(&self, bus: &Bus) -> ServerHandle {
        let render = |_: &mut State, m: RenderConfigDrive| {
            let content = format!("{{\"uuid\": \"{}\"}}", m.server_id).into_bytes();
            Ok(vec![MetadataFile { path: "openstack/latest/meta_data.json".to_owned(), content }])
        };
        self.on(bus.server(metadata::TOPIC), render).start()
    }
}

fn update(state: &mut State, m: UpdateInstance) -> Result<bool, Fault> {
    let instance = state.instance(&m.server_id)?;
    if !m.expected.is_empty() && !m.expected.contains(&instance.task_state) {
        return Ok(false);
    }
    let change = m.change;
    instance.vm_state = change.vm_state.unwrap_or(instance.vm_state);
    instance.task_state = change.task_state.unwrap_or(instance.task_state);
    if instance.task_state.is_none() {
        instance.snapshot_image = None;
    }
    instance.power_state = change.power_state.unwrap_or(instance.power_state);
    instance.root_device_name = change.root_device_name.or(instance.root_device_name.take());
    if let Some(info) = change.network_info {
        instance.network_info = info;
    }
    state.tasks.extend(change.task_state);
    Ok(true)
}

/// Takes the bytes of a snapshot, unless a test wants them sent.
fn receive(state: &mut State, m: ReceiveFile) -> Result<Reception, Fault> {
    let image = state.images.get_mut(&m.image_id).ok_or_else(|| Fault::not_found("No image found"))?;
    if let Some(url) = &state.send_images_to {
        return Ok(Reception::SendTo(url.clone()));
    }
    let bytes = std::fs::read(&m.path).map_err(|error| Fault::internal("reading a snapshot", error))?;
    let window = kit::disk_image::Window::of(&mut std::io::Cursor::new(&bytes)).unwrap();
    window.inspect().judge(&m.disk_format, u64::MAX).map_err(|why| Fault::unsupported_media_type(why.to_string()))?;
    image.status = "active".to_owned();
    image.size_bytes = bytes.len() as u64;
    image.properties = m.properties;
    Ok(Reception::Taken)
}

fn attach(state: &mut State, m: AttachVolume) -> Result<Attachment, Fault> {
    let volume = state.volume(&m.volume_id)?;
    if let Some(id) = &m.attachment_id
        && !volume.attachments.values().any(|other| other == id)
    {
        return Err(Fault::not_found("Volume attachment could not be found."));
    }
    let id = reserve(volume, m.server_id)?;
    volume.status = "attaching".to_owned();
    volume.connected = true;
    let path = format!("/volumes/{}", m.volume_id).into();
    let connection = ConnectionInfo::File { path, format: "raw".to_owned(), size_gb: 1, read_only: false };
    Ok(Attachment { id, volume_id: m.volume_id, connection })
}

fn reserve(volume: &mut FakeVolume, server: ServerId) -> Result<AttachmentId, Fault> {
    if let Some(id) = volume.attachments.get(&server) {
        return Ok(id.clone());
    }
    if volume.status != "available" {
        return Err(Fault::bad_request(format!("Invalid volume: status is {}.", volume.status)));
    }
    volume.status = "reserved".to_owned();
    let id = AttachmentId::random();
    volume.attachments.insert(server, id.clone());
    Ok(id)
}

fn described(id: VolumeId, status: String) -> Volume {
    Volume {
        id,
        name: None,
        project_id: "p".into(),
        size_gb: 1,
        status,
        bootable: true,
        multiattach: false,
        availability_zone: "nova".to_owned(),
        image_id: None,
        image_metadata: BTreeMap::from([("hw_disk_bus".to_owned(), "scsi".to_owned())]),
    }
}

fn vif(index: usize, wanted: &RequestedNetwork) -> Vif {
    Vif {
        port_id: PortId::random(),
        network_id: wanted.network_id.clone().unwrap_or_else(|| "n".into()),
        label: "default".to_owned(),
        mac: format!("fa:16:3e:00:00:{index:02x}"),
        mtu: 1450,
        fixed_ips: Vec::new(),
        preserve_on_delete: false,
        device: None,
        tag: None,
    }
}
