//! The [`Driver`] of fake guests: the same promises, without a hypervisor.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::BoxFuture;
use kit::PowerState;
use kit::ids::ServerId;

use super::guests::Guest;
use super::{FakeDriver, Host, Verb, patience};
use crate::capabilities::{Capabilities, CpuInfo, CpuTopology, GuestUsage, Health, Resources, VirtType};
use crate::console;
use crate::driver::{Answer, Driver, Endpoint, Quiesce, Reboot};
use crate::error::{DriverError, uuid_of};
use crate::event::{Events, GuestEvent, PauseReason};
use crate::spec::{Disk, DiskKey, DomainSpec, Interface, Vnc};

/// Memory that the fake host itself uses, in MiB.
const HOST_MEMORY_MB: u64 = 512;

impl Host {
    fn capabilities(&self) -> Capabilities {
        let topology = CpuTopology { cells: 1, sockets: 1, cores: self.config.vcpus, threads: 1 };
        let cpu = CpuInfo {
            arch: "x86_64".to_owned(),
            model: "fake".to_owned(),
            vendor: "fake".to_owned(),
            topology,
            features: Vec::new(),
        };
        Capabilities {
            hypervisor_type: "fake".to_owned(),
            hypervisor_version: 1000,
            virt_type: VirtType::Fake,
            emulation_reason: None,
            cpu,
            hostname: self.config.hostname.clone(),
            vcpus: self.config.vcpus,
            memory_mb: self.config.memory_mb,
            supports_disk_hotplug: true,
            supports_interface_hotplug: true,
            supports_events: true,
            supports_surviving_restart: self.config.dir.is_some(),
        }
    }

    fn resources(&self) -> Resources {
        let guests = self.guests();
        let running = guests.all().filter_map(|(_, guest)| guest.live.as_ref());
        let mut resources = Resources {
            vcpus: self.config.vcpus,
            vcpus_used: 0,
            memory_mb: self.config.memory_mb,
            memory_mb_used: HOST_MEMORY_MB,
            running_vms: 0,
        };
        for spec in running {
            resources.vcpus_used += spec.vcpus;
            resources.memory_mb_used += spec.memory_mb;
            resources.running_vms += 1;
        }
        resources
    }

    /// A fake guest has done what its starts would have cost: its counters are fixed.
    fn usage(&self) -> Vec<(ServerId, GuestUsage)> {
        let guests = self.guests();
        let running = guests.all().filter_map(|(id, guest)| Some((id, guest.live.as_ref()?)));
        let used = |live: &DomainSpec| GuestUsage {
            cpu_nanos: 1_000_000_000,
            vcpus: live.vcpus.into(),
            memory_bytes: live.memory_mb << 20,
            resident_bytes: live.memory_mb << 20,
            ..GuestUsage::default()
        };
        running.map(|(id, live)| (id.clone(), used(live))).collect()
    }

    fn define(&self, spec: &DomainSpec) -> Result<(), DriverError> {
        spec.validate()?;
        let mut guests = self.guests();
        let same_name = |(id, guest): (&ServerId, &Guest)| *id != spec.server_id && guest.next.name == spec.name;
        if guests.all().any(same_name) {
            return Err(conflict(&spec.server_id, format!("another domain is called {}", spec.name)));
        }
        let guest = match guests.find(&spec.server_id) {
            Some(guest) => Guest { next: spec.clone(), ..guest.clone() },
            None => Guest::new(spec.clone()),
        };
        guests.put(guest)
    }

    fn ensure_running(&self, spec: &DomainSpec) -> Result<(), DriverError> {
        spec.validate()?;
        let active = self.guests().find(&spec.server_id).is_some_and(Guest::is_active);
        if !active {
            self.define(spec)?;
        }
        self.start(&spec.server_id)
    }

    fn start(&self, id: &ServerId) -> Result<(), DriverError> {
        let event = self.guests().change(id, |guest| match guest.state {
            PowerState::Running => Ok(None),
            PowerState::Paused | PowerState::Suspended => {
                guest.state = PowerState::Running;
                Ok(Some(GuestEvent::Resumed))
            }
            PowerState::NoState | PowerState::Shutdown | PowerState::Crashed => {
                guest.start();
                Ok(Some(GuestEvent::Started))
            }
        })?;
        self.tell_if(id, event);
        Ok(())
    }

    /// Ends the guest with `event`, if it runs.
    fn end(&self, id: &ServerId, event: GuestEvent) -> Result<(), DriverError> {
        let ended = self.guests().change(id, |guest| {
            let active = guest.is_active();
            if active {
                guest.become_state(event.power_state());
            }
            Ok(active.then_some(event))
        })?;
        self.tell_if(id, ended);
        Ok(())
    }

    /// Asks the guest to power off. Answers whether it is off.
    fn ask_to_shut_down(&self, id: &ServerId) -> Result<bool, DriverError> {
        let (state, stubborn) = {
            let guests = self.guests();
            (guests.get(id)?.state, guests.is_stubborn(id))
        };
        if state == PowerState::Running && !stubborn {
            self.end(id, GuestEvent::Shutdown)?;
        }
        Ok(!self.guests().get(id)?.is_active())
    }

    fn remove(&self, id: &ServerId) -> Result<(), DriverError> {
        if self.guests().remove(id)? {
            self.tell(id, GuestEvent::Stopped);
        }
        Ok(())
    }

    /// Freezes a guest that runs, or lets a frozen one go on.
    fn freeze(&self, id: &ServerId, from: PowerState, to: GuestEvent) -> Result<(), DriverError> {
        let event = self.guests().change(id, |guest| match guest.state {
            state if state == to.power_state() => Ok(None),
            state if state == from => {
                guest.state = to.power_state();
                Ok(Some(to))
            }
            state => Err(conflict(id, format!("it is {state:?}"))),
        })?;
        self.tell_if(id, event);
        Ok(())
    }

    fn attach_disk(&self, id: &ServerId, disk: &Disk) -> Result<(), DriverError> {
        disk.validate()?;
        self.guests().change(id, |guest| {
            let hot = guest.is_active();
            for (position, spec) in guest.definitions().enumerate() {
                let present = spec.disks.iter().map(|disk| (&*disk.target, &*disk.serial, &*disk.path));
                if disk.is_among(present).map_err(|reason| conflict(id, reason))? {
                    continue;
                }
                if hot && position == 0 && !disk.bus.hotpluggable() {
                    return Err(DriverError::Unsupported("attaching a disk on this bus to a running guest"));
                }
                spec.disks.push(disk.clone());
            }
            Ok(())
        })
    }

    fn attach_interface(&self, id: &ServerId, interface: &Interface) -> Result<(), DriverError> {
        interface.validate()?;
        self.guests().change(id, |guest| {
            for spec in guest.definitions() {
                let present = spec.interfaces.iter().map(|present| (&*present.mac, &*present.tap));
                if !interface.is_among(present).map_err(|reason| conflict(id, reason))? {
                    spec.interfaces.push(interface.clone());
                }
            }
            Ok(())
        })
    }

    /// Takes a device away with `take`, which answers whether the device of a live definition needs the guest's
    /// consent. Answers whether the guest keeps it.
    fn detach(&self, id: &ServerId, take: impl Fn(&mut DomainSpec, bool) -> bool) -> Result<bool, DriverError> {
        let mut guests = self.guests();
        let refuses = guests.is_stubborn(id);
        if guests.find(id).is_none() {
            return Ok(false);
        }
        guests.change(id, |guest| {
            take(&mut guest.next, false);
            Ok(guest.live.as_mut().is_some_and(|live| take(live, refuses)))
        })
    }

    fn tell_if(&self, id: &ServerId, event: Option<GuestEvent>) {
        if let Some(event) = event {
            self.tell(id, event);
        }
    }
}

pub(super) fn conflict(id: &ServerId, reason: String) -> DriverError {
    DriverError::Conflict { doing: format!("changing guest {id}"), reason }
}

/// Takes the disk away, unless the guest is asked and refuses. Answers whether it is still there.
fn take_disk(spec: &mut DomainSpec, key: &DiskKey, refuses: bool) -> bool {
    let meant = |disk: &Disk| key.matches(&disk.target, &disk.serial);
    // A SCSI disk goes without asking; its controller stays.
    spec.disks.retain(|disk| !meant(disk) || (refuses && disk.bus != crate::spec::DiskBus::Scsi));
    spec.disks.iter().any(meant)
}

fn take_interface(spec: &mut DomainSpec, mac: &str, refuses: bool) -> bool {
    spec.interfaces.retain(|interface| interface.mac != mac || refuses);
    spec.interfaces.iter().any(|interface| interface.mac == mac)
}

impl FakeDriver {
    async fn detach(
        &self,
        verb: Verb,
        id: &ServerId,
        time: Duration,
        take: impl Fn(&mut DomainSpec, bool) -> bool + Send + 'static,
    ) -> Result<(), DriverError> {
        uuid_of(id)?;
        let guest = id.clone();
        if self.verb(verb, Some(id), move |host| host.detach(&guest, take)).await? {
            patience(time).await;
            return Err(DriverError::Timeout { doing: format!("{verb:?} of guest {id}"), after: time });
        }
        Ok(())
    }

    /// Asks the guest to power off, gives it its time if it does not, and does the rest: all of it is one `verb`.
    async fn shut_down(
        &self,
        verb: Verb,
        id: &ServerId,
        grace: Duration,
        rest: fn(&Host, &ServerId) -> Result<(), DriverError>,
    ) -> Result<(), DriverError> {
        let off = self
            .guest(verb, id, move |host, id| if grace.is_zero() { Ok(false) } else { host.ask_to_shut_down(id) })
            .await?;
        if !off {
            patience(grace).await;
        }
        let guest = id.clone();
        self.perform(move |host| rest(host, &guest)).await
    }

    async fn guest<T: Send + 'static>(
        &self,
        verb: Verb,
        id: &ServerId,
        effect: impl FnOnce(&Host, &ServerId) -> Result<T, DriverError> + Send + 'static,
    ) -> Result<T, DriverError> {
        let guest = id.clone();
        self.verb(verb, Some(id), move |host| effect(host, &guest)).await
    }
}

impl Driver for FakeDriver {
    fn capabilities(&self) -> Answer<'_, Capabilities> {
        Box::pin(self.verb(Verb::Capabilities, None, |host| Ok(host.capabilities())))
    }

    fn resources(&self) -> Answer<'_, Resources> {
        Box::pin(self.verb(Verb::Resources, None, |host| Ok(host.resources())))
    }

    fn usage(&self) -> Answer<'_, Vec<(ServerId, GuestUsage)>> {
        Box::pin(self.verb(Verb::Usage, None, |host| Ok(host.usage())))
    }

    fn ensure_running<'a>(&'a self, spec: &'a DomainSpec) -> Answer<'a, ()> {
        let given = spec.clone();
        Box::pin(self.verb(Verb::EnsureRunning, Some(&spec.server_id), move |host| host.ensure_running(&given)))
    }

    fn define<'a>(&'a self, spec: &'a DomainSpec) -> Answer<'a, ()> {
        let given = spec.clone();
        Box::pin(self.verb(Verb::Define, Some(&spec.server_id), move |host| host.define(&given)))
    }

    fn start<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()> {
        Box::pin(self.guest(Verb::Start, id, Host::start))
    }

    fn stop<'a>(&'a self, id: &'a ServerId, grace: Duration) -> Answer<'a, ()> {
        Box::pin(self.shut_down(Verb::Stop, id, grace, |host, id| host.end(id, GuestEvent::Stopped)))
    }

    fn reboot<'a>(&'a self, id: &'a ServerId, how: Reboot) -> Answer<'a, ()> {
        let grace = match how {
            Reboot::Soft { grace } => grace,
            Reboot::Hard => Duration::ZERO,
        };
        Box::pin(self.shut_down(Verb::Reboot, id, grace, |host, id| {
            host.end(id, GuestEvent::Stopped)?;
            host.start(id)
        }))
    }

    fn destroy<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()> {
        Box::pin(self.guest(Verb::Destroy, id, |host, id| host.end(id, GuestEvent::Stopped)))
    }

    fn remove<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()> {
        Box::pin(self.guest(Verb::Remove, id, Host::remove))
    }

    fn pause<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()> {
        let paused = GuestEvent::Paused(PauseReason::Asked);
        Box::pin(self.guest(Verb::Pause, id, move |host, id| host.freeze(id, PowerState::Running, paused)))
    }

    fn resume<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()> {
        let resumed = GuestEvent::Resumed;
        Box::pin(self.guest(Verb::Resume, id, move |host, id| host.freeze(id, PowerState::Paused, resumed)))
    }

    fn power_state<'a>(&'a self, id: &'a ServerId) -> Answer<'a, Option<PowerState>> {
        let read = |host: &Host, id: &ServerId| Ok(host.guests().find(id).map(|guest| guest.state));
        Box::pin(self.guest(Verb::PowerState, id, read))
    }

    fn list(&self) -> Answer<'_, Vec<(ServerId, PowerState)>> {
        let read = |host: &Host| Ok(host.guests().all().map(|(id, guest)| (id.clone(), guest.state)).collect());
        Box::pin(self.verb(Verb::List, None, read))
    }

    fn console_log<'a>(&'a self, id: &'a ServerId, tail_lines: Option<usize>) -> Answer<'a, Vec<u8>> {
        let read = move |host: &Host, id: &ServerId| {
            let text = host.guests().get(id)?.console.clone();
            Ok(console::last_lines(text.into_bytes(), tail_lines))
        };
        Box::pin(self.guest(Verb::ConsoleLog, id, read))
    }

    fn vnc<'a>(&'a self, id: &'a ServerId) -> Answer<'a, Option<Endpoint>> {
        let find = |host: &Host, id: &ServerId| {
            let guests = host.guests();
            let live = guests.get(id)?.live.as_ref();
            let place = guests.all().position(|(other, _)| other == id).and_then(|place| u16::try_from(place).ok());
            Ok(live.and_then(|spec| spec.vnc.as_ref()).map(|vnc| match vnc {
                Vnc::Unix(path) => Endpoint::Unix(path.clone()),
                Vnc::Loopback => {
                    let port = 5900_u16.saturating_add(place.unwrap_or(0));
                    Endpoint::Tcp(SocketAddr::from(([127, 0, 0, 1], port)))
                }
            }))
        };
        Box::pin(self.guest(Verb::Vnc, id, find))
    }

    fn serial<'a>(&'a self, id: &'a ServerId) -> Answer<'a, Option<Endpoint>> {
        let find = |host: &Host, id: &ServerId| {
            let guests = host.guests();
            Ok(guests.get(id)?.live.as_ref().map(|spec| Endpoint::Unix(spec.console.socket.clone())))
        };
        Box::pin(self.guest(Verb::Serial, id, find))
    }

    fn attach_disk<'a>(&'a self, id: &'a ServerId, disk: &'a Disk) -> Answer<'a, ()> {
        let disk = disk.clone();
        Box::pin(self.guest(Verb::AttachDisk, id, move |host, id| host.attach_disk(id, &disk)))
    }

    fn detach_disk<'a>(&'a self, id: &'a ServerId, disk: &'a DiskKey, patience: Duration) -> Answer<'a, ()> {
        let key = disk.clone();
        Box::pin(self.detach(Verb::DetachDisk, id, patience, move |spec, refuses| take_disk(spec, &key, refuses)))
    }

    fn attach_interface<'a>(&'a self, id: &'a ServerId, interface: &'a Interface) -> Answer<'a, ()> {
        let interface = interface.clone();
        Box::pin(self.guest(Verb::AttachInterface, id, move |host, id| host.attach_interface(id, &interface)))
    }

    fn detach_interface<'a>(&'a self, id: &'a ServerId, mac: &'a str, patience: Duration) -> Answer<'a, ()> {
        let mac = mac.to_owned();
        let take = move |spec: &mut DomainSpec, refuses| take_interface(spec, &mac, refuses);
        Box::pin(self.detach(Verb::DetachInterface, id, patience, take))
    }

    fn copy_disk<'a>(
        &'a self,
        id: &'a ServerId,
        disk: &'a DiskKey,
        to: &'a Path,
        quiesce: Quiesce,
    ) -> Answer<'a, bool> {
        let (key, to) = (disk.clone(), to.to_owned());
        Box::pin(self.guest(Verb::CopyDisk, id, move |host, id| host.copy_disk(id, &key, &to, quiesce)))
    }

    fn stop_copying<'a>(&'a self, id: &'a ServerId) -> Answer<'a, ()> {
        Box::pin(self.guest(Verb::StopCopying, id, |_, _| Ok(())))
    }

    fn events(&self) -> Events {
        Events::of(&self.host.events)
    }

    fn health(&self) -> Health {
        let connected = self.is_there();
        let error = (!connected).then(|| "out of reach".to_owned());
        Health { connected, since: self.host.opened, error }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.closed.store(true, Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    }
}
