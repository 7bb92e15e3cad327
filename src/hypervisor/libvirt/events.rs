//! Libvirt's own events: the loop that they come from, and the callbacks that take them.
//!
//! One thread per process runs libvirt's event loop for as long as the process lives: libvirt has no way to take
//! its event implementation back. Callbacks run on that thread, so they do nothing but look up, map and send
//! into bounded channels; calling libvirt from there could block every connection of the process.
//!
//! This module is one of four with `unsafe`: the `virt` crate wraps neither domain events nor close callbacks.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kit::SharedClock;
use kit::ids::ServerId;
use tokio::sync::broadcast;
use uuid::Uuid;
use virt::connect::Connect;
use virt::error::Error;
use virt::sys;

use super::ours::Ours;
use crate::event::{Event, Events, GuestEvent, PauseReason};

/// How many events a receiver may fall behind by.
const EVENTS_KEPT: usize = 1024;

/// Where events go.
#[derive(Clone)]
pub struct Hub {
    events: broadcast::Sender<Event>,
    devices: broadcast::Sender<Uuid>,
    clock: SharedClock,
}

impl Hub {
    /// A hub that nobody listens to yet.
    pub fn new(clock: SharedClock) -> Self {
        Self { events: broadcast::channel(EVENTS_KEPT).0, devices: broadcast::channel(EVENTS_KEPT).0, clock }
    }

    /// A receiver on what happens to guests.
    pub fn events(&self) -> Events {
        Events::of(&self.events)
    }

    /// A receiver on guests letting go of devices, or refusing to: the guest's UUID.
    pub fn devices(&self) -> broadcast::Receiver<Uuid> {
        self.devices.subscribe()
    }

    /// Tells everyone that events may have been missed.
    pub fn lost(&self) {
        let _nobody_listens = self.events.send(Event::Lost);
    }

    /// The time, for events and health.
    pub fn now(&self) -> kit::Timestamp {
        self.clock.now()
    }

    fn guest(&self, uuid: Uuid, kind: GuestEvent) {
        let server_id = ServerId::new(uuid.hyphenated().to_string());
        let _nobody_listens = self.events.send(Event::Guest { server_id, kind, at: self.now() });
    }
}

/// What the callbacks of one connection need.
pub struct Sink {
    /// Where events go.
    pub hub: Hub,
    /// Which domains matter.
    pub ours: Arc<Ours>,
    /// Told once the connection is gone.
    pub closed: flume::Sender<()>,
}

/// What a lifecycle event of libvirt means, if it means anything here. The second half of a shutdown is what
/// counts (`STOPPED`): at the first the guest still has its process.
pub fn meaning(event: sys::virDomainEventType, detail: u32) -> Option<GuestEvent> {
    Some(match (event, detail) {
        (sys::VIR_DOMAIN_EVENT_STARTED, sys::VIR_DOMAIN_EVENT_STARTED_WAKEUP) => GuestEvent::Resumed,
        (sys::VIR_DOMAIN_EVENT_STARTED, _) => GuestEvent::Started,
        (sys::VIR_DOMAIN_EVENT_SUSPENDED, sys::VIR_DOMAIN_EVENT_SUSPENDED_PAUSED) => {
            GuestEvent::Paused(PauseReason::Asked)
        }
        (sys::VIR_DOMAIN_EVENT_SUSPENDED, sys::VIR_DOMAIN_EVENT_SUSPENDED_IOERROR) => {
            GuestEvent::Paused(PauseReason::IoError)
        }
        (sys::VIR_DOMAIN_EVENT_SUSPENDED, _) => GuestEvent::Paused(PauseReason::Other),
        (sys::VIR_DOMAIN_EVENT_RESUMED, _) => GuestEvent::Resumed,
        (sys::VIR_DOMAIN_EVENT_STOPPED, sys::VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN) => GuestEvent::Shutdown,
        (sys::VIR_DOMAIN_EVENT_STOPPED, sys::VIR_DOMAIN_EVENT_STOPPED_CRASHED) => GuestEvent::Crashed,
        (sys::VIR_DOMAIN_EVENT_STOPPED, sys::VIR_DOMAIN_EVENT_STOPPED_FAILED) => GuestEvent::Crashed,
        (sys::VIR_DOMAIN_EVENT_STOPPED, _) => GuestEvent::Stopped,
        (sys::VIR_DOMAIN_EVENT_PMSUSPENDED, _) => GuestEvent::Suspended,
        (sys::VIR_DOMAIN_EVENT_CRASHED, _) => GuestEvent::Crashed,
        (sys::VIR_DOMAIN_EVENT_UNDEFINED, _) => GuestEvent::Undefined,
        _ => return None,
    })
}

/// Makes sure that libvirt's library is open, that its event loop runs in this process and that libvirt prints no errors. Has to happen
/// before the first connection is opened.
pub fn ensure_loop() -> Result<(), super::error::Failure> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    let started = STARTED.get_or_init(|| {
        super::load()?;
        virt::error::clear_error_callback();
        virt::event::event_register_default_impl().map_err(|error| error.to_string())?;
        let spawned = std::thread::Builder::new().name("libvirt-events".to_owned()).spawn(run_loop);
        spawned.map(drop).map_err(|error| error.to_string())
    });
    started.clone().map_err(super::error::Failure::other)
}

fn run_loop() {
    loop {
        if let Err(error) = virt::event::event_run_default_impl() {
            tracing::error!(%error, "libvirt's event loop stumbled");
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

/// The callbacks of one connection.
pub struct Callbacks {
    ids: Vec<libc::c_int>,
    close: bool,
}

#[expect(unsafe_code, reason = "the virt crate does not wrap domain events and close callbacks")]
mod raw {
    use super::{Arc, Callbacks, Connect, Error, GuestEvent, Sink, Uuid, meaning, sys};

    type Opaque = *mut libc::c_void;
    type Generic = unsafe extern "C" fn(sys::virConnectPtr, sys::virDomainPtr, Opaque);
    type Lifecycle =
        unsafe extern "C" fn(sys::virConnectPtr, sys::virDomainPtr, libc::c_int, libc::c_int, Opaque) -> libc::c_int;
    type Device = unsafe extern "C" fn(sys::virConnectPtr, sys::virDomainPtr, *const libc::c_char, Opaque);

    impl Callbacks {
        /// Has `sink` told of what happens on `connection`, and of its end if it is `remote`: the embedded driver
        /// has no end, accepts the callback all the same and never frees it.
        pub fn register(connection: &Connect, sink: &Arc<Sink>, remote: bool) -> Result<Self, Error> {
            let mut callbacks = Self { ids: Vec::new(), close: false };
            let mut registered = callbacks.register_domain(connection, sink);
            if remote && registered.is_ok() {
                registered = callbacks.register_close(connection, sink);
            }
            if registered.is_err() {
                callbacks.deregister(connection);
            }
            registered.map(|()| callbacks)
        }

        fn register_domain(&mut self, connection: &Connect, sink: &Arc<Sink>) -> Result<(), Error> {
            // SAFETY: libvirt's C API takes every domain callback as a generic one and calls it with the
            // arguments that its event id stands for: those of `Lifecycle` for LIFECYCLE, of `Device` for the
            // two device events. Function pointers have one size.
            let (lifecycle, device) = unsafe {
                (
                    std::mem::transmute::<Lifecycle, Generic>(on_lifecycle),
                    std::mem::transmute::<Device, Generic>(on_device),
                )
            };
            self.add(connection, sink, sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle)?;
            self.add(connection, sink, sys::VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, device)?;
            self.add(connection, sink, sys::VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, device)
        }

        fn register_close(&mut self, connection: &Connect, sink: &Arc<Sink>) -> Result<(), Error> {
            let opaque = Arc::into_raw(Arc::clone(sink)).cast_mut().cast();
            // SAFETY: the connection is open; `opaque` is a reference count of `sink` that `free_sink` gives back.
            let result = unsafe {
                sys::virConnectRegisterCloseCallback(connection.as_ptr(), Some(on_close), opaque, Some(free_sink))
            };
            if result < 0 {
                let error = Error::last_error();
                // SAFETY: libvirt did not take `opaque`, which came from `Arc::into_raw` above.
                unsafe { free_sink(opaque) };
                return Err(error);
            }
            self.close = true;
            Ok(())
        }

        fn add(
            &mut self,
            connection: &Connect,
            sink: &Arc<Sink>,
            event: sys::virDomainEventID,
            callback: Generic,
        ) -> Result<(), Error> {
            let opaque = Arc::into_raw(Arc::clone(sink)).cast_mut().cast();
            let event = libc::c_int::try_from(event).unwrap_or(-1);
            // SAFETY: the connection is open; no domain means all; `opaque` is a reference count of `sink`
            // that `free_sink` gives back when the callback is deregistered.
            let id = unsafe {
                sys::virConnectDomainEventRegisterAny(
                    connection.as_ptr(),
                    std::ptr::null_mut(),
                    event,
                    Some(callback),
                    opaque,
                    Some(free_sink),
                )
            };
            if id < 0 {
                let error = Error::last_error();
                // SAFETY: libvirt did not take `opaque`, which came from `Arc::into_raw` above.
                unsafe { free_sink(opaque) };
                return Err(error);
            }
            self.ids.push(id);
            Ok(())
        }

        /// Ends what [`Callbacks::register`] began, before the connection is closed: libvirt keeps a connection
        /// alive for as long as it has callbacks.
        pub fn deregister(&mut self, connection: &Connect) {
            for id in self.ids.drain(..) {
                // SAFETY: the connection is open (closed by libvirt or not, it is allocated) and `id` is one of its.
                let result = unsafe { sys::virConnectDomainEventDeregisterAny(connection.as_ptr(), id) };
                if result < 0 {
                    tracing::debug!(error = %Error::last_error(), "could not deregister a libvirt callback");
                }
            }
            if std::mem::take(&mut self.close) {
                // SAFETY: as above; `on_close` is what was registered.
                let result = unsafe { sys::virConnectUnregisterCloseCallback(connection.as_ptr(), Some(on_close)) };
                if result < 0 {
                    tracing::debug!(error = %Error::last_error(), "could not unregister the close callback");
                }
            }
        }
    }

    unsafe extern "C" fn free_sink(opaque: Opaque) {
        // SAFETY: libvirt calls this once for each `opaque`, all of which came from `Arc::into_raw`.
        drop(unsafe { Arc::from_raw(opaque.cast_const().cast::<Sink>()) });
    }

    unsafe extern "C" fn on_lifecycle(
        _connection: sys::virConnectPtr,
        domain: sys::virDomainPtr,
        event: libc::c_int,
        detail: libc::c_int,
        opaque: Opaque,
    ) -> libc::c_int {
        // SAFETY: `opaque` is a reference count that libvirt holds while it calls; `domain` is valid for the call.
        let (sink, uuid) = unsafe { (&*opaque.cast_const().cast::<Sink>(), uuid_of(domain)) };
        let event = u32::try_from(event).unwrap_or(u32::MAX);
        let Some(uuid) = uuid.filter(|uuid| sink.ours.contains(*uuid)) else { return 0 };
        if let Some(kind) = meaning(event, u32::try_from(detail).unwrap_or(u32::MAX)) {
            if kind == GuestEvent::Undefined {
                // It may run on, and its end matters; but whoever comes back under its UUID has to show his mark.
                sink.ours.doubt(uuid);
            }
            sink.hub.guest(uuid, kind);
            // A guest that is gone has no devices either.
            let _nobody_listens = sink.hub.devices.send(uuid);
        }
        0
    }

    unsafe extern "C" fn on_device(
        _connection: sys::virConnectPtr,
        domain: sys::virDomainPtr,
        _alias: *const libc::c_char,
        opaque: Opaque,
    ) {
        // SAFETY: as in `on_lifecycle`.
        let (sink, uuid) = unsafe { (&*opaque.cast_const().cast::<Sink>(), uuid_of(domain)) };
        if let Some(uuid) = uuid {
            let _nobody_listens = sink.hub.devices.send(uuid);
        }
    }

    unsafe extern "C" fn on_close(_connection: sys::virConnectPtr, reason: libc::c_int, opaque: Opaque) {
        // SAFETY: `opaque` is a reference count that libvirt holds while it calls.
        let sink = unsafe { &*opaque.cast_const().cast::<Sink>() };
        tracing::warn!(reason, "the connection to libvirt was closed");
        let _already_told = sink.closed.try_send(());
    }

    /// The UUID of a domain that is valid for the call.
    unsafe fn uuid_of(domain: sys::virDomainPtr) -> Option<Uuid> {
        let mut bytes = [0_u8; 16];
        // SAFETY: the caller says that `domain` is valid; libvirt writes VIR_UUID_BUFLEN (16) bytes, from memory.
        let result = unsafe { sys::virDomainGetUUID(domain, bytes.as_mut_ptr()) };
        (result == 0).then(|| Uuid::from_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shutdown_counts_when_the_process_is_gone() {
        for detail in 0..4 {
            assert_eq!(meaning(sys::VIR_DOMAIN_EVENT_SHUTDOWN, detail), None);
        }
        assert_eq!(
            meaning(sys::VIR_DOMAIN_EVENT_STOPPED, sys::VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN),
            Some(GuestEvent::Shutdown)
        );
    }

    #[test]
    fn unknown_events_and_details_do_no_harm() {
        for event in 0..64 {
            for detail in [0, 1, 2, 3, 4, 5, 99, u32::MAX] {
                let meant = meaning(event, detail);
                assert!(event <= sys::VIR_DOMAIN_EVENT_CRASHED || meant.is_none());
            }
        }
        assert_eq!(meaning(sys::VIR_DOMAIN_EVENT_STOPPED, 99), Some(GuestEvent::Stopped));
        assert_eq!(meaning(sys::VIR_DOMAIN_EVENT_SUSPENDED, 99), Some(GuestEvent::Paused(PauseReason::Other)));
    }
}
