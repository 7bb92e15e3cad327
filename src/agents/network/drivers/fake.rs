//! The driver that touches nothing: the contract, kept in memory.
//!
//! It accepts and refuses exactly what the Linux driver does (both keep [`Desired`]), can be told to fail or to
//! be slow at any verb, and shows what it was brought to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::topics::network_spec::{
    GroupMembers, HostState, NetworkSpec, PortSpec, PortWiring, RouterSpec, SecurityGroupSpec,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use kit::Condition;
use kit::ids::{NetworkId, PortId, RouterId, SecurityGroupId};

use super::desired::Desired;
use super::driver::{Capabilities, Connection, DriverError, DriverResult, NetworkDriver};
use super::linux::names::Names;
use tokio::io::AsyncReadExt as _;

/// What the guests say who are connected to.
pub const GREETING: &[u8] = b"SSH-2.0-fake\r\n";
/// The port where none of them answers.
pub const CLOSED: u16 = 1;

/// The verbs, for telling the fake where to fail or to be slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the driver's verbs")]
pub enum Verb {
    EnsureNetwork,
    RemoveNetwork,
    EnsurePort,
    RemovePort,
    EnsureRouter,
    RemoveRouter,
    EnsureSecurityGroup,
    RemoveSecurityGroup,
    SetGroupMembers,
    Sync,
    Connect,
}

impl Verb {
    const fn name(self) -> &'static str {
        match self {
            Self::EnsureNetwork => "ensure_network",
            Self::RemoveNetwork => "remove_network",
            Self::EnsurePort => "ensure_port",
            Self::RemovePort => "remove_port",
            Self::EnsureRouter => "ensure_router",
            Self::RemoveRouter => "remove_router",
            Self::EnsureSecurityGroup => "ensure_security_group",
            Self::RemoveSecurityGroup => "remove_security_group",
            Self::SetGroupMembers => "set_group_members",
            Self::Sync => "sync",
            Self::Connect => "connect",
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    desired: Desired,
    /// How many more times each verb fails.
    failures: BTreeMap<Verb, u32>,
    delays: BTreeMap<Verb, Duration>,
    calls: Vec<Verb>,
    stopped: bool,
}

/// The driver in memory.
#[derive(Debug)]
pub struct FakeDriver {
    names: Names,
    inner: Mutex<Inner>,
}

impl FakeDriver {
    /// An empty host.
    #[must_use]
    pub fn new() -> Self {
        Self { names: Names::fallback(), inner: Mutex::default() }
    }

    /// The next `times` calls of `verb` fail, before they change anything.
    pub fn fail(&self, verb: Verb, times: u32) {
        self.lock().failures.insert(verb, times);
    }

    /// Every call of `verb` takes at least `delay`.
    pub fn delay(&self, verb: Verb, delay: Duration) {
        self.lock().delays.insert(verb, delay);
    }

    /// What the host looks like.
    #[must_use]
    pub fn state(&self) -> Desired {
        self.lock().desired.clone()
    }

    /// All verbs that were called, in order, failed ones too.
    #[must_use]
    pub fn calls(&self) -> Vec<Verb> {
        self.lock().calls.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run<T: Send + 'static>(
        &self,
        verb: Verb,
        change: impl FnOnce(&mut Desired) -> DriverResult<T> + Send + 'static,
    ) -> BoxFuture<'_, DriverResult<T>> {
        async move {
            let delay = self.lock().delays.get(&verb).copied();
            if let Some(delay) = delay {
                tokio::time::sleep(delay).await;
            }
            let mut inner = self.lock();
            if inner.stopped {
                return Err(DriverError::Stopped);
            }
            inner.calls.push(verb);
            match inner.failures.get_mut(&verb) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    Err(DriverError::Injected(verb.name()))
                }
                _ => change(&mut inner.desired),
            }
        }
        .boxed()
    }
}

impl Default for FakeDriver {
    fn default() -> Self {
        Self::new()
    }
}

impl NetworkDriver for FakeDriver {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            driver: "fake",
            security_groups: "none: nothing passes anyway",
            vxlan: true,
            vlan: true,
            router_advertisements: true,
            warnings: Vec::new(),
        }
    }

    fn ensure_network(&self, network: NetworkSpec) -> BoxFuture<'_, DriverResult<()>> {
        self.run(Verb::EnsureNetwork, |desired| desired.put_network(network))
    }

    fn remove_network(&self, id: NetworkId) -> BoxFuture<'_, DriverResult<()>> {
        self.run(Verb::RemoveNetwork, move |desired| desired.take_network(&id).map(drop))
    }

    fn ensure_port(&self, port: PortSpec) -> BoxFuture<'_, DriverResult<PortWiring>> {
        let (device, bridge) = (self.names.tap(&port.id), self.names.bridge(&port.network_id));
        self.run(Verb::EnsurePort, move |desired| {
            let network = port.network_id.clone();
            desired.put_port(port)?;
            let mtu = desired.networks.get(&network).map_or(0, |network| network.mtu);
            Ok(PortWiring { device, bridge, mtu })
        })
    }

    fn remove_port(&self, id: PortId) -> BoxFuture<'_, DriverResult<()>> {
        self.run(Verb::RemovePort, move |desired| {
            desired.ports.remove(&id);
            Ok(())
        })
    }

    fn ensure_router(&self, router: RouterSpec) -> BoxFuture<'_, DriverResult<()>> {
        self.run(Verb::EnsureRouter, |desired| desired.put_router(router))
    }

    fn remove_router(&self, id: RouterId) -> BoxFuture<'_, DriverResult<()>> {
        self.run(Verb::RemoveRouter, move |desired| {
            desired.routers.remove(&id);
            Ok(())
        })
    }

    fn ensure_security_group(&self, group: SecurityGroupSpec) -> BoxFuture<'_, DriverResult<()>> {
        self.run(Verb::EnsureSecurityGroup, |desired| desired.put_group(group))
    }

    fn remove_security_group(&self, id: SecurityGroupId) -> BoxFuture<'_, DriverResult<()>> {
        self.run(Verb::RemoveSecurityGroup, move |desired| desired.take_group(&id))
    }

    fn set_group_members(&self, members: GroupMembers) -> BoxFuture<'_, DriverResult<()>> {
        self.run(Verb::SetGroupMembers, |desired| {
            desired.put_members(members);
            Ok(())
        })
    }

    fn sync(&self, state: HostState) -> BoxFuture<'_, DriverResult<()>> {
        self.run(Verb::Sync, |desired| {
            let (wanted, failures) = Desired::from_state(state);
            *desired = wanted;
            if failures.is_empty() { Ok(()) } else { Err(DriverError::Partial(failures)) }
        })
    }

    /// Every address of a known port has somebody who greets as SSH servers do, and says after one what one says.
    fn connect(&self, network: NetworkId, to: SocketAddr) -> BoxFuture<'_, DriverResult<Box<dyn Connection>>> {
        self.run(Verb::Connect, move |desired| {
            let here = |port: &PortSpec| {
                port.network_id == network && port.fixed_ips.iter().any(|ip| ip.ip_address == to.ip())
            };
            if desired.ports.values().any(here) && to.port() != CLOSED {
                let (reader, writer) = tokio::io::simplex(1 << 16);
                let greeting = std::io::Cursor::new(GREETING).chain(reader);
                return Ok(Box::new(tokio::io::join(greeting, writer)) as Box<dyn Connection>);
            }
            let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
            Err(DriverError::io(format!("connecting to {to}"), refused))
        })
    }

    fn condition(&self) -> Condition {
        Condition::default()
    }

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        async { self.lock().stopped = true }.boxed()
    }
}
