//! The queues, by address.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use kit::Fault;
use kit::ids::HostId;

use crate::client::Client;
use crate::envelope::Delivery;
use crate::message::Target;
use crate::metrics::{QueueMeter, QueueMetrics};
use crate::server::Server;

/// How messages are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// The value is moved.
    #[default]
    Local,
    /// Every message, context and reply goes through its bytes.
    WireChecked,
}

/// The bus's settings.
#[derive(Debug, Clone)]
pub struct Options {
    /// How messages are carried.
    pub transport: Transport,
    /// How many messages a queue holds before it is full.
    pub queue_length: usize,
    /// How long a call waits whose context has no deadline.
    pub call_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { transport: Transport::Local, queue_length: 4096, call_timeout: Duration::from_secs(60) }
    }
}

/// A topic, or a topic on a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub topic: &'static str,
    pub host: Option<HostId>,
}

/// A queue and what is known about it.
#[derive(Clone)]
pub(crate) struct Queue {
    pub sender: flume::Sender<Delivery>,
    pub meter: Arc<QueueMeter>,
}

/// The bus itself. Clones share their queues.
#[derive(Clone)]
pub struct Bus(Arc<Fabric>);

struct Fabric {
    options: Options,
    queues: RwLock<HashMap<Address, Queue>>,
}

impl Bus {
    /// A bus with no queues yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Fabric { options, queues: RwLock::default() }))
    }

    /// The end of the bus that `service` sends from.
    #[must_use]
    pub fn client(&self, service: &str) -> Client {
        Client::new(self.clone(), service)
    }

    /// A server for `topic`; it takes messages once it is started.
    pub fn server(&self, topic: &'static str) -> Server {
        Server::new(self.clone(), topic)
    }

    /// Depth, wait and service times of every queue, by address.
    #[must_use]
    pub fn metrics(&self) -> Vec<QueueMetrics> {
        let queues = self.0.queues.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = queues
            .iter()
            .map(|(address, queue)| {
                queue.meter.snapshot(
                    address.topic,
                    address.host.clone(),
                    queue.sender.len(),
                    self.0.options.queue_length,
                )
            })
            .collect();
        all.sort_by(|a, b| (a.topic, &a.host).cmp(&(b.topic, &b.host)));
        all
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    /// The queue at `topic` and `target`.
    pub(crate) fn queue(&self, topic: &'static str, target: &Target) -> Result<Queue, Fault> {
        let host = match target {
            Target::Any => None,
            Target::Host(host) => Some(host.clone()),
        };
        let queues = self.0.queues.read().unwrap_or_else(PoisonError::into_inner);
        queues.get(&Address { topic, host }).cloned().ok_or_else(|| match target {
            Target::Any => Fault::unavailable(format!("The {topic} service is not available. Try again later.")),
            Target::Host(host) => {
                Fault::unavailable(format!("The {topic} service on host {host} is not available. Try again later."))
            }
        })
    }

    /// The queues of `topic` on all hosts.
    pub(crate) fn queues_on_hosts(&self, topic: &'static str) -> Vec<(HostId, Queue)> {
        let queues = self.0.queues.read().unwrap_or_else(PoisonError::into_inner);
        queues
            .iter()
            .filter(|(address, _)| address.topic == topic)
            .filter_map(|(address, queue)| Some((address.host.clone()?, queue.clone())))
            .collect()
    }

    /// Opens the queue at `address`; whoever had it before gets no more messages.
    pub(crate) fn open(&self, address: Address, meter: Arc<QueueMeter>) -> flume::Receiver<Delivery> {
        let (sender, receiver) = flume::bounded(self.0.options.queue_length);
        let queue = Queue { sender, meter };
        self.0.queues.write().unwrap_or_else(PoisonError::into_inner).insert(address, queue);
        receiver
    }

    /// Closes the queue at `address`, where it still is the one with `meter`: what is in it is still taken out.
    pub(crate) fn close(&self, address: &Address, meter: &Arc<QueueMeter>) {
        let mut queues = self.0.queues.write().unwrap_or_else(PoisonError::into_inner);
        if queues.get(address).is_some_and(|queue| Arc::ptr_eq(&queue.meter, meter)) {
            queues.remove(address);
        }
    }
}
