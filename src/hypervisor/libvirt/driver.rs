//! The [`Driver`] that hands each verb to a worker, and does the waiting itself.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use kit::PowerState;
use kit::ids::ServerId;
use tokio::time::timeout;

use super::LibvirtConfig;
use super::copies::Copying;
use super::error::{Doing, Outcome};
use super::link::Link;
use super::session::Session;
use super::worker::Workers;
use super::xml::read;
use crate::capabilities::{Capabilities, GuestUsage, Health, Resources};
use crate::driver::{Answer, Driver, Endpoint, Quiesce, Reboot};
use crate::error::{DriverError, uuid_of};
use crate::event::{Event, Events};
use crate::spec::{Disk, DiskKey, DomainSpec, Interface};

/// How long the first connection may take: an embedded driver probes QEMU then.
const OPEN_WAIT: Duration = Duration::from_secs(60);

/// After how long a guest that did not react is asked again to power off, or to let go of a device.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The shortest and the longest time between two looks at a copy.
const COPY_LOOKS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// How long an event is waited for before the state is asked for all the same.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// QEMU through libvirt.
pub struct LibvirtDriver {
    link: Arc<Link>,
    workers: Workers,
    watcher: Mutex<Option<JoinHandle<()>>>,
}

impl LibvirtDriver {
    /// Opens the connection. From then on it is kept open until [`Driver::close`].
    ///
    /// # Errors
    /// [`DriverError::Disconnected`] when libvirt cannot be reached, [`DriverError::InvalidSpec`] when KVM is insisted
    /// on and does not work, [`DriverError::Timeout`].
    pub async fn connect(config: LibvirtConfig) -> Result<Arc<Self>, DriverError> {
        Self::start(config, false).await
    }

    /// As [`LibvirtDriver::connect`], but a libvirt that cannot be reached yet is waited for in the background: until
    /// then [`Driver::health`] says so and verbs answer [`DriverError::Disconnected`]; once it is there,
    /// [`Event::Lost`] says that the guests can be looked at.
    ///
    /// # Errors
    /// As [`LibvirtDriver::connect`], except for that.
    pub async fn open(config: LibvirtConfig) -> Result<Arc<Self>, DriverError> {
        Self::start(config, true).await
    }

    async fn start(config: LibvirtConfig, patient: bool) -> Result<Arc<Self>, DriverError> {
        let doing = Doing::on_host("opening libvirt");
        let opening = tokio::task::spawn_blocking(move || Link::open(config, patient));
        let (link, watcher) = match timeout(OPEN_WAIT, opening).await {
            Ok(Ok(opened)) => opened?,
            Ok(Err(defect)) => return Err(super::error::Failure::other(defect).while_doing(&doing)),
            Err(_) => return Err(DriverError::Timeout { doing: doing.to_string(), after: OPEN_WAIT }),
        };
        let workers = Workers::start(Arc::clone(&link))
            .map_err(|error| super::error::Failure::from(error).while_doing(&doing))?;
        Ok(Arc::new(Self { link, workers, watcher: Mutex::new(Some(watcher)) }))
    }

    /// A verb that concerns one guest.
    async fn guest<T: Send + 'static>(
        &self,
        verb: &'static str,
        id: &ServerId,
        job: impl FnOnce(&Session, &ServerId) -> Outcome<T> + Send + 'static,
    ) -> Result<T, DriverError> {
        let id = id.clone();
        self.workers.run(Doing::to(verb, &id), move |session| job(session, &id)).await
    }

    /// A verb that concerns one guest and is given its spec.
    async fn with_spec<T: Send + 'static>(
        &self,
        verb: &'static str,
        spec: &DomainSpec,
        job: impl FnOnce(&Session, &DomainSpec) -> Outcome<T> + Send + 'static,
    ) -> Result<T, DriverError> {
        let spec = spec.clone();
        self.workers.run(Doing::to(verb, &spec.server_id), move |session| job(session, &spec)).await
    }

    /// Asks the guest to power off, and waits up to `grace`. Answers whether it did.
    async fn shut_down(&self, id: &ServerId, grace: Duration) -> Result<bool, DriverError> {
        let deadline = Instant::now() + grace;
        loop {
            let mut events = self.link.events();
            if !self.guest("shutting down", id, Session::ask_to_shut_down).await? {
                return Ok(true);
            }
            let ask_again = deadline.min(Instant::now() + ASK_AGAIN);
            while Instant::now() < ask_again {
                wait_for(&mut events, id, ask_again).await;
                if !self.guest("watching", id, Session::is_active).await? {
                    return Ok(true);
                }
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
        }
    }

    /// Takes a device away: `detach` asks for it and answers whether it is still there.
    async fn detach(
        &self,
        id: &ServerId,
        verb: &'static str,
        patience: Duration,
        detach: impl Fn(&Session, &ServerId, bool) -> Outcome<bool> + Clone + Send + 'static,
    ) -> Result<(), DriverError> {
        let uuid = uuid_of(id)?;
        let deadline = Instant::now() + patience;
        let mut devices = self.link.hub().devices();
        let mut asked: Option<Instant> = None;
        loop {
            let ask = asked.is_none_or(|at| at.elapsed() >= ASK_AGAIN);
            let step = detach.clone();
            if !self.guest(verb, id, move |session, id| step(session, id, ask)).await? {
                return Ok(());
            }
            if ask {
                asked = Some(Instant::now());
            }
            if Instant::now() >= deadline {
                let doing = Doing::to(verb, id).to_string();
                return Err(DriverError::Timeout { doing, after: patience });
            }
            let look_again = deadline.min(Instant::now() + LOOK_AGAIN);
            let heard = async {
                // Falling behind ends the wait too, and the guest is asked again.
                while devices.recv().await.is_ok_and(|other| other != uuid) {}
            };
            let _heard_or_not = timeout(look_again.saturating_duration_since(Instant::now()), heard).await;
        }
    }
}

/// Waits for an event of the guest, until `deadline` or for [`LOOK_AGAIN`].
async fn wait_for(events: &mut Events, id: &ServerId, deadline: Instant) {
    let heard = async {
        while let Some(event) = events.next().await {
            match event {
                Event::Guest { server_id, .. } if server_id != *id => {}
                Event::Guest { .. } | Event::Lost => return,
            }
        }
    };
    let _heard_or_not = timeout(deadline.saturating_duration_since(Instant::now()).min(LOOK_AGAIN), heard).await;
}

impl Driver for LibvirtDriver {
    fn capabilities(&self) -> Answer<'_, Capabilities> {
        let doing = Doing::on_host("reading capabilities");
        Box::pin(self.workers.run(doing, |session| Ok(session.host().capabilities.clone())))
    }

    fn resources(&self) -> Answer<'_, Resources> {
        Box::pin(self.workers.run(Doing::on_host("reading resources"), Session::resources))
    }

    fn usage(&self) -> Answer<'_, Vec<(ServerId, GuestUsage)>> {
        Box::pin(self.workers.run(Doing::on_host("reading what guests use"), Session::usage))
    }

    fn ensure_running<'a>(&'a self, spec: &'a DomainSpec) -> Answer<'a, ()> {
        Box::pin(self.with_spec("starting", spec, Session::ensure_running))
    }

    fn define<'a>(&'a self, spec: &'a DomainSpec) -> Answer<'a, ()> {
        Box::pin(self.with_spec("defining", spec, |session, spec| session.define(spec).map(drop)))
    }

    fn start<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()> {
        Box::pin(self.guest("starting", id, Session::start))
    }

    fn stop<'a>(&'a self, id: &'a ServerId, grace: Duration) -> Answer<'a, ()> {
        Box::pin(async move {
            if !grace.is_zero() && self.shut_down(id, grace).await? {
                return Ok(());
            }
            self.destroy(id).await
        })
    }

    fn reboot<'a>(&'a self, id: &'a ServerId, how: Reboot) -> Answer<'a, ()> {
        Box::pin(async move {
            if let Reboot::Soft { grace } = how
                && self.shut_down(id, grace).await?
            {
                return self.start(id).await;
            }
            self.guest("rebooting", id, Session::restart).await
        })
    }

    fn destroy<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()> {
        Box::pin(self.guest("destroying", id, Session::destroy))
    }

    fn remove<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()> {
        Box::pin(self.guest("removing", id, Session::remove))
    }

    fn pause<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()> {
        Box::pin(self.guest("pausing", id, Session::pause))
    }

    fn resume<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()> {
        Box::pin(self.guest("resuming", id, Session::resume))
    }

    fn power_state<'a>(&'a self, id: &'a ServerId) -> Answer<'a, Option<PowerState>> {
        Box::pin(self.guest("reading the state of", id, Session::power_state))
    }

    fn list(&self) -> Answer<'_, Vec<(ServerId, PowerState)>> {
        Box::pin(self.workers.run(Doing::on_host("listing guests"), Session::list))
    }

    fn console_log<'a>(&'a self, id: &'a ServerId, tail_lines: Option<usize>) -> Answer<'a, Vec<u8>> {
        let read = move |session: &Session, id: &ServerId| session.console_log(id, tail_lines);
        Box::pin(self.guest("reading the console log of", id, read))
    }

    fn vnc<'a>(&'a self, id: &'a ServerId) -> Answer<'a, Option<Endpoint>> {
        let find = |session: &Session, id: &ServerId| session.endpoint(id, read::Domain::graphics);
        Box::pin(self.guest("finding the display of", id, find))
    }

    fn serial<'a>(&'a self, id: &'a ServerId) -> Answer<'a, Option<Endpoint>> {
        let find = |session: &Session, id: &ServerId| session.endpoint(id, read::Domain::serial);
        Box::pin(self.guest("finding the console of", id, find))
    }

    fn attach_disk<'a>(&'a self, id: &'a ServerId, disk: &'a Disk) -> Answer<'a, ()> {
        let disk = disk.clone();
        let attach = move |session: &Session, id: &ServerId| session.attach_disk(id, &disk);
        Box::pin(self.guest("attaching a disk to", id, attach))
    }

    fn detach_disk<'a>(&'a self, id: &'a ServerId, disk: &'a DiskKey, patience: Duration) -> Answer<'a, ()> {
        let key = disk.clone();
        let step = move |session: &Session, id: &ServerId, ask| session.detach_disk(id, &key, ask);
        Box::pin(self.detach(id, "detaching a disk from", patience, step))
    }

    fn attach_interface<'a>(&'a self, id: &'a ServerId, interface: &'a Interface) -> Answer<'a, ()> {
        let interface = interface.clone();
        let attach = move |session: &Session, id: &ServerId| session.attach_interface(id, &interface);
        Box::pin(self.guest("attaching an interface to", id, attach))
    }

    fn detach_interface<'a>(&'a self, id: &'a ServerId, mac: &'a str, patience: Duration) -> Answer<'a, ()> {
        let mac = mac.to_owned();
        let step = move |session: &Session, id: &ServerId, ask| session.detach_interface(id, &mac, ask);
        Box::pin(self.detach(id, "detaching an interface from", patience, step))
    }

    fn copy_disk<'a>(
        &'a self,
        id: &'a ServerId,
        disk: &'a DiskKey,
        to: &'a Path,
        quiesce: Quiesce,
    ) -> Answer<'a, bool> {
        Box::pin(async move {
            let (key, file) = (disk.clone(), to.to_owned());
            let begin = move |session: &Session, id: &ServerId| session.begin_copy(id, &key, &file, quiesce);
            let mut copying = self.guest("copying a disk of", id, begin).await?;
            let mut pause = COPY_LOOKS.0;
            while copying == Copying::UnderWay {
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(COPY_LOOKS.1);
                copying = self.guest("copying a disk of", id, Session::look_at_copy).await?;
            }
            Ok(copying == Copying::Done)
        })
    }

    fn stop_copying<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()> {
        Box::pin(self.guest("ending a copy of a disk of", id, Session::stop_copying))
    }

    fn events(&self) -> Events {
        self.link.events()
    }

    fn health(&self) -> Health {
        self.link.health()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.workers.close().await;
            self.link.stop();
            let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take();
            let joined = tokio::task::spawn_blocking(move || watcher.is_none_or(|thread| thread.join().is_ok()));
            if !matches!(joined.await, Ok(true)) {
                tracing::error!("the thread that watches libvirt ended by a panic");
            }
        })
    }
}

impl Drop for LibvirtDriver {
    fn drop(&mut self) {
        self.link.stop();
    }
}
