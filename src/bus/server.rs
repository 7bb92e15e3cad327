//! The answering end: workers that take messages from one queue.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use kit::ids::HostId;
use kit::trace::micros;
use kit::{Fault, RequestContext};
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::envelope::{Delivery, Payload, Returned, Tally};
use crate::fabric::{Address, Bus, Transport};
use crate::message::Message;
use crate::metrics::QueueMeter;

/// How many messages of a topic are worked on at once, unless said otherwise.
const WORKERS: usize = 32;

type Handler = Box<dyn Fn(RequestContext, Payload) -> BoxFuture<'static, Result<Payload, Fault>> + Send + Sync>;

/// A topic's server in the making: handlers are added with [`Server::on`], then it is started.
#[must_use = "a server answers once it is started"]
pub struct Server {
    bus: Bus,
    address: Address,
    workers: usize,
    handlers: HashMap<&'static str, Handler>,
}

impl Server {
    pub(crate) fn new(bus: Bus, topic: &'static str) -> Self {
        Self { bus, address: Address { topic, host: None }, workers: WORKERS, handlers: HashMap::new() }
    }

    /// Serves the topic on `host` only.
    pub fn on_host(mut self, host: &HostId) -> Self {
        self.address.host = Some(host.clone());
        self
    }

    /// Works on at most `workers` messages at once.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// Answers messages of type `M` with `handler`.
    pub fn on<M, F, Answer>(mut self, handler: F) -> Self
    where
        M: Message,
        F: Fn(RequestContext, M) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Result<M::Reply, Fault>> + Send + 'static,
    {
        debug_assert_eq!(M::TOPIC, self.address.topic, "{} belongs to another topic", M::METHOD);
        let transport = self.bus.options().transport;
        let handler = move |context: RequestContext, payload: Payload| -> BoxFuture<'static, Result<Payload, Fault>> {
            match payload.unpack::<M>() {
                Ok(message) => {
                    let answer = handler(context, message);
                    Box::pin(async move { Payload::pack(transport, answer.await?) })
                }
                Err(fault) => Box::pin(std::future::ready(Err(fault))),
            }
        };
        self.handlers.insert(M::METHOD, Box::new(handler));
        self
    }

    /// Opens the queue and starts the workers.
    #[must_use = "dropping the handle stops the workers"]
    pub fn start(self) -> ServerHandle {
        let meter = Arc::new(QueueMeter::new(self.handlers.keys().copied(), self.workers));
        let receiver = self.bus.open(self.address.clone(), meter.clone());
        let worker = Arc::new(Worker {
            topic: self.address.topic,
            transport: self.bus.options().transport,
            handlers: self.handlers,
            meter: meter.clone(),
        });
        let mut workers = JoinSet::new();
        for _ in 0..self.workers {
            let (worker, receiver) = (worker.clone(), receiver.clone());
            workers.spawn(async move {
                while let Ok(delivery) = receiver.recv_async().await {
                    worker.take(delivery).await;
                }
            });
        }
        ServerHandle { bus: self.bus, address: self.address, meter, workers }
    }
}

/// A running server. Dropping it stops it at once; [`ServerHandle::stop`] lets it finish.
pub struct ServerHandle {
    bus: Bus,
    address: Address,
    meter: Arc<QueueMeter>,
    workers: JoinSet<()>,
}

impl ServerHandle {
    /// Takes no more messages, works off those in the queue, and ends; whether all of it was done `within`.
    pub async fn stop(mut self, within: Duration) -> bool {
        self.bus.close(&self.address, &self.meter);
        let drained =
            tokio::time::timeout(within, async { while self.workers.join_next().await.is_some() {} }).await.is_ok();
        if !drained {
            tracing::warn!(
                topic = self.address.topic,
                "messages were still being worked on when the time to stop was over"
            );
        }
        drained
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.bus.close(&self.address, &self.meter);
    }
}

struct Worker {
    topic: &'static str,
    transport: Transport,
    handlers: HashMap<&'static str, Handler>,
    meter: Arc<QueueMeter>,
}

impl Worker {
    async fn take(&self, delivery: Delivery) {
        let waited = delivery.queued_at.elapsed();
        let Delivery { method, context, message, reply, .. } = delivery;
        let is_cast = reply.is_none();
        let begun = Instant::now();
        let (result, spans) = match context.unpack::<RequestContext>() {
            Ok(context) => self.serve(method, context, message, reply.as_ref().is_some_and(|r| r.is_closed())).await,
            Err(fault) => (Err(fault), Vec::new()),
        };
        let served = begun.elapsed();
        self.meter.served(method, waited, served, result.is_ok());
        if let Err(fault) = &result {
            self.report(method, is_cast, fault);
        }
        if let Some(reply) = reply {
            let tally = Tally { spans, queued_micros: micros(waited), served_micros: micros(served) };
            let returned = self.through_bytes(Returned { result, tally });
            // A caller that has given up is told nothing; it has reported its timeout itself.
            let _gone = reply.send(returned);
        }
    }

    async fn serve(
        &self,
        method: &'static str,
        context: RequestContext,
        message: Payload,
        caller_gone: bool,
    ) -> (Result<Payload, Fault>, Vec<kit::Span>) {
        if caller_gone || context.deadline.is_some_and(|deadline| deadline.remaining().is_zero()) {
            return (Err(Fault::timeout(format!("{method} waited too long in the queue."))), Vec::new());
        }
        let Some(handler) = self.handlers.get(method) else {
            return (
                Err(Fault::not_implemented(format!("The {} service does not know {method}.", self.topic))),
                Vec::new(),
            );
        };
        let trace = context.trace.clone();
        let span = tracing::info_span!("rpc", topic = self.topic, method, request_id = %context.request_id);
        let answer = async { handler(context, message).await };
        let result = AssertUnwindSafe(answer).catch_unwind().instrument(span).await;
        let result = result.unwrap_or_else(|panic| Err(Fault::internal("answering a message", panic_text(&*panic))));
        (result, trace.take())
    }

    fn report(&self, method: &str, is_cast: bool, fault: &Fault) {
        if is_cast {
            tracing::warn!(topic = self.topic, method, error = %fault.chain(), "a cast failed");
        } else if fault.kind() == kit::FaultKind::Internal {
            tracing::error!(topic = self.topic, method, error = %fault.chain(), "a call failed");
        } else {
            tracing::debug!(topic = self.topic, method, error = %fault.chain(), "a call was refused");
        }
    }

    /// With the wire-checked transport, a fault and the tally go through their bytes as well.
    fn through_bytes(&self, returned: Returned) -> Returned {
        if self.transport == Transport::Local {
            return returned;
        }
        let result = returned.result.map_err(|fault| again(&fault).unwrap_or_else(|error| error));
        let tally = again(&returned.tally).unwrap_or_default();
        Returned { result, tally }
    }
}

fn again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> Result<T, Fault> {
    let bytes = serde_json::to_vec(value).map_err(|error| Fault::internal("writing a reply's bytes", error))?;
    serde_json::from_slice(&bytes).map_err(|error| Fault::internal("reading a reply's bytes", error))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".to_owned())
}
