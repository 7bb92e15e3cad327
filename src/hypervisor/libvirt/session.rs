//! One open connection: libvirt's handle, its callbacks, and what was learnt of the host when it was opened.
//!
//! Everything here and in the modules that extend [`Session`] blocks, and runs on the worker threads alone.

use std::sync::Arc;

use kit::PowerState;
use kit::ids::ServerId;
use uuid::Uuid;
use virt::connect::Connect;
use virt::domain::Domain;
use virt::sys;

use super::LibvirtConfig;
use super::embed;
use super::error::{Failure, Outcome, is_no_domain};
use super::events::{Callbacks, Sink};
use super::host::Host;
use super::xml::{self, OUR_NAMESPACE, read};
use crate::capabilities::VirtType;
use crate::error::uuid_of;
use crate::spec::DomainSpec;

/// How long libvirt may be silent before it counts as gone: probes every 5 s, the third without answer decides.
const KEEPALIVE: (i32, u32) = (5, 3);

/// One open connection.
pub struct Session {
    connection: Connect,
    callbacks: Callbacks,
    sink: Arc<Sink>,
    owner: String,
    host: Host,
    embedded: bool,
}

impl Session {
    /// Opens the connection that `config` says and has `sink` told of what happens on it.
    ///
    /// On return libvirt has found the guests that ran already: for a short while after it was opened a
    /// driver is still connecting to them, and what it is asked for meanwhile can fail without reason.
    pub fn open(config: &LibvirtConfig, sink: Arc<Sink>) -> Outcome<Self> {
        let root = embed::root_of(&config.uri);
        if let Some(root) = &root {
            embed::prepare(root)?;
        }
        super::events::ensure_loop()?;
        let mut connection = Connect::open(Some(&config.uri))?;
        let remote = root.is_none();
        let opened = Callbacks::register(&connection, &sink, remote).map_err(Failure::from).and_then(|callbacks| {
            let host = Host::learn(&connection, config.virt_type)?;
            Ok((callbacks, host))
        });
        match opened {
            Ok((callbacks, host)) => {
                let owner = config.owner.clone();
                let session = Self { connection, callbacks, sink, owner, host, embedded: root.is_some() };
                session.settle()?;
                Ok(session)
            }
            Err(failure) => {
                close(&mut connection);
                Err(failure)
            }
        }
    }

    fn settle(&self) -> Outcome<()> {
        if !self.embedded {
            self.connection.set_keep_alive(KEEPALIVE.0, KEEPALIVE.1)?;
        }
        let mut known = Vec::new();
        for domain in self.connection.list_all_domains(0)? {
            if !self.owns(&domain)? {
                continue;
            }
            // Asking for statistics waits for its turn behind the reconnection; the answer does not matter.
            if domain.is_active().unwrap_or(false) {
                let _statistics = domain.memory_stats(0);
            }
            known.push(domain.get_uuid()?);
        }
        self.sink.ours.retain(&known);
        Ok(())
    }

    /// What was learnt of the host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Libvirt's handle.
    pub fn connection(&self) -> &Connect {
        &self.connection
    }

    /// Whether there is no daemon between us and QEMU.
    pub fn is_embedded(&self) -> bool {
        self.embedded
    }

    /// Whether libvirt still answers.
    pub fn is_alive(&self) -> bool {
        self.embedded || self.connection.is_alive().unwrap_or(false)
    }

    /// The guest's domain; `None` when there is none, or it is not ours.
    pub fn find(&self, id: &ServerId) -> Outcome<Option<Domain>> {
        match self.lookup(uuid_of(id)?)? {
            Some(domain) if self.owns(&domain)? => Ok(Some(domain)),
            _ => Ok(None),
        }
    }

    /// The guest's domain, which has to be there.
    pub fn get(&self, id: &ServerId) -> Outcome<Domain> {
        self.find(id)?.ok_or(Failure::NoGuest)
    }

    /// All domains that are ours.
    pub fn domains(&self) -> Outcome<Vec<Domain>> {
        let mut ours = Vec::new();
        for domain in self.connection.list_all_domains(0)? {
            match self.owns(&domain) {
                Ok(true) => ours.push(domain),
                Ok(false) => {}
                Err(Failure::NoGuest) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(ours)
    }

    /// Defines the guest, or defines it anew.
    pub fn define(&self, spec: &DomainSpec) -> Outcome<Domain> {
        spec.validate()?;
        let uuid = uuid_of(&spec.server_id)?;
        if let Some(domain) = self.lookup(uuid)?
            && !self.owns(&domain)?
        {
            return Err(Failure::Conflict("a domain of somebody else has its UUID".to_owned()));
        }
        if let Ok(domain) = Domain::lookup_by_name(&self.connection, &spec.name)
            && domain.get_uuid()? != uuid
        {
            return Err(Failure::Conflict(format!("another domain is called {}", spec.name)));
        }
        let text = xml::render(spec, self.virt_type(), &self.owner);
        // Known before it is defined, so that no event of it is missed.
        self.sink.ours.add(uuid, Some(spec.console.log.clone()));
        let defined = Domain::define_xml_flags(&self.connection, &text, sys::VIR_DOMAIN_DEFINE_VALIDATE);
        if defined.is_err() && self.lookup(uuid)?.is_none() {
            self.sink.ours.forget(uuid);
        }
        Ok(defined?)
    }

    /// How guests' instructions are executed.
    pub fn virt_type(&self) -> VirtType {
        self.host.capabilities.virt_type
    }

    fn lookup(&self, uuid: Uuid) -> Outcome<Option<Domain>> {
        match Domain::lookup_by_uuid(&self.connection, uuid) {
            Ok(domain) => Ok(Some(domain)),
            Err(error) if is_no_domain(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the domain is ours; [`Failure::NoGuest`] when it vanished meanwhile.
    fn owns(&self, domain: &Domain) -> Outcome<bool> {
        let uuid = domain.get_uuid()?;
        if self.sink.ours.are_sure_of(uuid) {
            return Ok(true);
        }
        let kind = i32::try_from(sys::VIR_DOMAIN_METADATA_ELEMENT).unwrap_or(-1);
        let ours = match domain.get_metadata(kind, Some(OUR_NAMESPACE), 0) {
            Ok(element) => read::mark(&element).is_some_and(|mark| mark.is(&self.owner, uuid)),
            Err(error) if error.code() == virt::error::ErrorNumber::NoDomainMetadata => false,
            Err(error) if is_no_domain(&error) => return Err(Failure::NoGuest),
            Err(error) => return Err(error.into()),
        };
        if ours {
            let console_log = read::Domain::parse(&domain.get_xml_desc(sys::VIR_DOMAIN_XML_INACTIVE)?)?.console_log();
            self.sink.ours.add(uuid, console_log);
        } else {
            self.sink.ours.forget(uuid);
        }
        Ok(ours)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.callbacks.deregister(&self.connection);
        close(&mut self.connection);
    }
}

fn close(connection: &mut Connect) {
    match connection.close() {
        Ok(0) => {}
        Ok(references) => tracing::debug!(references, "a closed libvirt connection is still in use"),
        Err(error) => tracing::warn!(%error, "could not close the libvirt connection"),
    }
}

/// A domain's state in Nova's terms. One that is shutting down has its process still, and counts as running.
pub fn power_state(domain: &Domain) -> Outcome<PowerState> {
    let (state, reason) = match domain.get_state() {
        Ok(answer) => answer,
        Err(error) if is_no_domain(&error) => return Err(Failure::NoGuest),
        Err(error) => return Err(error.into()),
    };
    Ok(match state {
        sys::VIR_DOMAIN_RUNNING | sys::VIR_DOMAIN_BLOCKED | sys::VIR_DOMAIN_SHUTDOWN => PowerState::Running,
        sys::VIR_DOMAIN_PAUSED => PowerState::Paused,
        sys::VIR_DOMAIN_SHUTOFF if u32::try_from(reason) == Ok(sys::VIR_DOMAIN_SHUTOFF_CRASHED) => PowerState::Crashed,
        sys::VIR_DOMAIN_SHUTOFF => PowerState::Shutdown,
        sys::VIR_DOMAIN_CRASHED => PowerState::Crashed,
        sys::VIR_DOMAIN_PMSUSPENDED => PowerState::Suspended,
        _ => PowerState::NoState,
    })
}
