//! The bus's promises, over both transports.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kit::ids::HostId;
use kit::{Fault, FaultKind, RequestContext};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};

use crate::{Bus, Options, Target, Transport, rpc};

const TOPIC: &str = "arithmetic";

rpc! { TOPIC:
    Add => u64,
    Block => (),
    Explode => (),
    Refuse => (),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Add(u64, u64);
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Block;
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Explode;
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Refuse;

fn buses(options: Options) -> [Bus; 2] {
    [Transport::Local, Transport::WireChecked].map(|transport| Bus::new(Options { transport, ..options.clone() }))
}

#[tokio::test]
async fn a_call_brings_back_the_reply_and_the_fault() {
    for bus in buses(Options::default()) {
        let _server = bus
            .server(TOPIC)
            .on(|_, Add(a, b)| async move { Ok(a + b) })
            .on(|_, Refuse| async { Err(Fault::not_found("No such thing.").with_code("ThingNotFound")) })
            .on(|_, Explode| async { panic!("a defect") })
            .start();
        let client = bus.client("test");
        let context = RequestContext::service("test");
        assert_eq!(client.call(&context, Target::Any, Add(2, 3)).await.unwrap(), 5);
        let fault = client.call(&context, Target::Any, Refuse).await.unwrap_err();
        assert_eq!((fault.kind(), fault.code()), (FaultKind::NotFound, Some("ThingNotFound")));
        let fault = client.call(&context, Target::Any, Explode).await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Internal);
        assert_eq!(client.call(&context, Target::Any, Add(1, 1)).await.unwrap(), 2, "a panic must not stop the worker");
        let fault = client.call(&context, Target::Any, Block).await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::NotImplemented, "no handler was given for it");
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable_and_hosts_are_told_apart() {
    for bus in buses(Options::default()) {
        let host = HostId::new("one");
        let _server = bus.server(TOPIC).on_host(&host).on(|_, Add(a, b)| async move { Ok(a + b) }).start();
        let client = bus.client("test");
        let context = RequestContext::anonymous();
        assert_eq!(client.call(&context, Target::host(&host), Add(1, 2)).await.unwrap(), 3);
        for target in [Target::Any, Target::Host(HostId::new("two"))] {
            let fault = client.call(&context, target, Add(1, 2)).await.unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Unavailable);
        }
        assert_eq!(client.fanout(&context, &Add(1, 2)), 1);
    }
}

#[tokio::test]
async fn a_full_queue_is_busy_and_says_when_to_come_back() {
    for bus in buses(Options { queue_length: 2, ..Options::default() }) {
        let gate = Arc::new(Semaphore::new(0));
        let (entered, mut entering) = mpsc::channel(8);
        let held = gate.clone();
        let server = bus
            .server(TOPIC)
            .workers(1)
            .on(move |_, Block| {
                let (held, entered) = (held.clone(), entered.clone());
                async move {
                    entered.send(()).await.unwrap();
                    held.acquire().await.unwrap().forget();
                    Ok(())
                }
            })
            .start();
        let client = bus.client("test");
        let context = RequestContext::anonymous();
        client.cast(&context, Target::Any, Block).unwrap();
        entering.recv().await.unwrap();
        client.cast(&context, Target::Any, Block).unwrap();
        client.cast(&context, Target::Any, Block).unwrap();
        let fault = client.cast(&context, Target::Any, Block).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Busy);
        assert!(fault.retry_after().is_some());
        let metrics = bus.metrics();
        assert_eq!((metrics[0].depth, metrics[0].capacity, metrics[0].refused), (2, 2, 1));
        gate.add_permits(3);
        assert!(server.stop(Duration::from_secs(10)).await, "what was queued is worked off before it stops");
        assert_eq!(client.cast(&context, Target::Any, Block).unwrap_err().kind(), FaultKind::Unavailable);
    }
}

#[tokio::test]
async fn a_deadline_ends_the_wait_and_travels_with_the_call() {
    for bus in buses(Options::default()) {
        let seen = Arc::new(AtomicU32::new(0));
        let count = seen.clone();
        let server = bus
            .server(TOPIC)
            .workers(1)
            .on(|_, Block| std::future::pending())
            .on(move |context: RequestContext, Add(a, b)| {
                let left = context.deadline.map(kit::Deadline::remaining);
                count.fetch_add(u32::from(left.is_some_and(|left| left <= Duration::from_secs(5))), Ordering::SeqCst);
                async move { Ok(a + b) }
            })
            .start();
        let client = bus.client("test");
        client.call(&RequestContext::anonymous().within(Duration::from_secs(5)), Target::Any, Add(1, 1)).await.unwrap();
        assert_eq!(seen.load(Ordering::SeqCst), 1);
        let hurried = RequestContext::anonymous().within(Duration::from_millis(20));
        let fault = client.call(&hurried, Target::Any, Block).await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Timeout);
        assert!(!server.stop(Duration::from_millis(20)).await, "the stuck worker is given up at the deadline");
    }
}

#[tokio::test]
async fn spans_of_nested_calls_come_back_to_the_caller() {
    for bus in buses(Options::default()) {
        let inner = bus.client("middle");
        let _far = bus.server("far").on(|_, far::Double(n)| async move { Ok(2 * n) }).start();
        let _near = bus
            .server(TOPIC)
            .on(move |context: RequestContext, Add(a, b)| {
                let inner = inner.clone();
                async move { inner.call(&context, Target::Any, far::Double(a + b)).await }
            })
            .start();
        let context = RequestContext::service("test").traced();
        assert_eq!(bus.client("front").call(&context, Target::Any, Add(1, 2)).await.unwrap(), 6);
        let spans: Vec<_> = context.trace.take().into_iter().map(|span| (span.from, span.to, span.name)).collect();
        let named = |from: &str, to: &str, name: &str| (from.to_owned(), to.to_owned(), name.to_owned());
        assert_eq!(spans, [named("front", TOPIC, "Add"), named("middle", "far", "Double")]);
    }
}

mod far {
    use super::{Deserialize, Serialize, rpc};

    const TOPIC: &str = "far";
    rpc! { TOPIC: Double => u64, }

    #[derive(Debug, Clone, Serialize, Deserialize)]
    pub struct Double(pub u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn competing_workers_share_a_queue_and_lose_nothing() {
    for bus in buses(Options::default()) {
        let served = Arc::new(AtomicU32::new(0));
        let count = served.clone();
        let server = bus
            .server(TOPIC)
            .workers(4)
            .on(move |_, Block| {
                count.fetch_add(1, Ordering::SeqCst);
                async { Ok(()) }
            })
            .start();
        let client = bus.client("test");
        for _ in 0..1000 {
            client.cast(&RequestContext::anonymous(), Target::Any, Block).unwrap();
        }
        assert!(server.stop(Duration::from_secs(30)).await);
        assert_eq!(served.load(Ordering::SeqCst), 1000);
    }
}

proptest::proptest! {
    #[test]
    fn any_fault_message_survives_the_wire(message in ".{0,64}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bus = Bus::new(Options { transport: Transport::WireChecked, ..Options::default() });
            let text = message.clone();
            let _server = bus.server(TOPIC).workers(1).on(move |_, Refuse| {
                let text = text.clone();
                async move { Err(Fault::conflict(text)) }
            }).start();
            let fault = bus.client("test").call(&RequestContext::anonymous(), Target::Any, Refuse).await.unwrap_err();
            assert_eq!(fault.message(), message);
        });
    }
}
