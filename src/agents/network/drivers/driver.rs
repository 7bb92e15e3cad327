//! The contract of a network driver.
//!
//! Declarative: `ensure_x` makes the host equal to the spec, whatever was there before; `remove_x` takes
//! away whatever there is, and is fine when there is nothing. Every verb can be repeated, and one that failed
//! half-way is put right by repeating it, by removing the object, or by [`NetworkDriver::sync`].
//! What a spec refers to comes first: networks and security groups before ports, networks before routers.
//! Verbs of one driver are carried out one after the other, in the order in which they were asked for.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bus::topics::network_spec::{
    GroupMembers, HostState, NetworkSpec, PortSpec, PortWiring, RouterSpec, SecurityGroupSpec,
};
use futures_util::future::BoxFuture;
use kit::ids::{NetworkId, PortId, RouterId, SecurityGroupId};
use kit::{Condition, Fault};
use tokio::io::{AsyncRead, AsyncWrite};

/// What a driver's verb comes to.
pub type DriverResult<T> = Result<T, DriverError>;

/// Carries out specs on one host.
pub trait NetworkDriver: Send + Sync {
    /// What this driver, on this host, can do.
    fn capabilities(&self) -> Capabilities;

    /// Makes or changes a network: its bridge, DHCP, DNS, metadata service and host gateway.
    fn ensure_network(&self, network: NetworkSpec) -> BoxFuture<'_, DriverResult<()>>;
    /// Takes a network away. Refused ([`DriverError::InUse`]) while ports or routers are on it.
    fn remove_network(&self, id: NetworkId) -> BoxFuture<'_, DriverResult<()>>;

    /// Makes or changes a guest's port; answers once it is wired and its rules hold.
    fn ensure_port(&self, port: PortSpec) -> BoxFuture<'_, DriverResult<PortWiring>>;
    /// Takes a guest's port away.
    fn remove_port(&self, id: PortId) -> BoxFuture<'_, DriverResult<()>>;

    /// Makes or changes a router.
    fn ensure_router(&self, router: RouterSpec) -> BoxFuture<'_, DriverResult<()>>;
    /// Takes a router away.
    fn remove_router(&self, id: RouterId) -> BoxFuture<'_, DriverResult<()>>;

    /// Makes or changes a security group; holds at once for its ports, connections under way included.
    fn ensure_security_group(&self, group: SecurityGroupSpec) -> BoxFuture<'_, DriverResult<()>>;
    /// Takes a security group away. Refused ([`DriverError::InUse`]) while ports are in it.
    fn remove_security_group(&self, id: SecurityGroupId) -> BoxFuture<'_, DriverResult<()>>;
    /// Says which addresses a group has on other hosts.
    fn set_group_members(&self, members: GroupMembers) -> BoxFuture<'_, DriverResult<()>>;

    /// Makes the host equal to `state`: makes what is missing, takes away what is this cloud's and not in it.
    /// One object's failure does not stop the others; they are all named in [`DriverError::Partial`].
    fn sync(&self, state: HostState) -> BoxFuture<'_, DriverResult<()>>;

    /// Connects to a TCP port from inside of a network, as its DHCP server would: what the security groups let in.
    fn connect(&self, network: NetworkId, to: SocketAddr) -> BoxFuture<'_, DriverResult<Box<dyn Connection>>>;

    /// What is wrong with the host's network now, and what was found wrong and put right.
    fn condition(&self) -> Condition;

    /// Ends the driver's own tasks. The network stays as it is: guests keep running without the process.
    fn shutdown(&self) -> BoxFuture<'_, ()>;
}

/// A connection to a guest.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// What a driver can do on this host, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The driver's name: `linux`, `fake`.
    pub driver: &'static str,
    /// How stateful security groups are carried out, for an operator's eye.
    pub security_groups: &'static str,
    /// Networks that span hosts over VXLAN.
    pub vxlan: bool,
    /// Networks on a physical network's VLAN.
    pub vlan: bool,
    /// Router advertisements for IPv6 subnets.
    pub router_advertisements: bool,
    /// What stands in the way on this host and what to do about it, in sentences.
    pub warnings: Vec<String>,
}

/// A guest's request to the metadata service.
///
/// Who asks is known from where the request came in, never from its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataRequest {
    /// The network that the request came from.
    pub network_id: NetworkId,
    /// The address that it came from.
    pub source: IpAddr,
    /// The port that has this address on this network.
    pub port_id: PortId,
    /// That port's `device_id`: the server.
    pub device_id: String,
    /// The HTTP method.
    pub method: String,
    /// The path, with the query if there is one.
    pub path: String,
    /// The body, at most 16 KiB.
    pub body: Vec<u8>,
}

/// The answer to a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataReply {
    /// The HTTP status.
    pub status: u16,
    /// The media type.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Answers guests' metadata requests.
pub type MetadataHandler = Arc<dyn Fn(MetadataRequest) -> BoxFuture<'static, MetadataReply> + Send + Sync>;

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The spec refers to something that this host was not told of.
    #[error("{what} refers to {kind} {id}, which this host does not have")]
    Missing {
        /// The object that refers to it.
        what: String,
        /// What kind of thing is missing.
        kind: &'static str,
        /// Its id.
        id: String,
    },
    /// Something still needs it.
    #[error("{what} is still used by {user}")]
    InUse {
        /// What was to be removed.
        what: String,
        /// What uses it.
        user: String,
    },
    /// The spec contradicts itself or another.
    #[error("{what}: {why}")]
    Invalid {
        /// The object.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// This driver cannot do that here.
    #[error("{what} is not supported on this host: {why}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// What stands in the way.
        why: String,
    },
    /// A program that changes the host failed.
    #[error("{doing}: `{program}` failed: {stderr}")]
    Command {
        /// What was being done.
        doing: String,
        /// The program.
        program: String,
        /// The end of what it wrote to its standard error.
        stderr: String,
    },
    /// The operating system refused.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// Its answer.
        source: std::io::Error,
    },
    /// It took too long.
    #[error("{doing} took longer than {seconds} s")]
    Timeout {
        /// What was being done.
        doing: String,
        /// The deadline.
        seconds: u64,
    },
    /// Some objects of a sync failed; the others are as they should be.
    #[error("{} of the host's network objects failed: {}", .0.len(), list(.0))]
    Partial(Vec<DriverError>),
    /// Too many verbs are waiting.
    #[error("the network driver has too much to do")]
    Busy,
    /// The driver was shut down.
    #[error("the network driver has been shut down")]
    Stopped,
    /// After a restart nobody has said yet what the host is to carry.
    #[error("the network driver waits for a sync of the host")]
    NotSynced,
    /// A test asked for this failure.
    #[error("injected failure of {0}")]
    Injected(&'static str),
}

fn list(errors: &[DriverError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl DriverError {
    /// An [`DriverError::Invalid`].
    pub fn invalid(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Invalid { what: what.into(), why: why.into() }
    }

    /// An [`DriverError::Io`].
    pub fn io(doing: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { doing: doing.into(), source }
    }
}

impl From<DriverError> for Fault {
    fn from(error: DriverError) -> Self {
        match error {
            DriverError::Busy => Self::busy("The host's network agent is busy.", std::time::Duration::from_secs(1)),
            DriverError::InUse { .. } => Self::conflict(error.to_string()),
            DriverError::Invalid { .. } | DriverError::Unsupported { .. } => Self::bad_request(error.to_string()),
            DriverError::Timeout { .. } => Self::timeout("The host's network took too long to change."),
            DriverError::NotSynced => {
                Self::busy("The host's network agent is starting.", std::time::Duration::from_secs(1))
            }
            DriverError::Stopped => Self::unavailable("The host's network agent is shutting down."),
            other => Self::internal("changing the host's network", other),
        }
    }
}
