//! What each queue has carried: depth, waiting and service times.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kit::ids::HostId;
use kit::trace::micros;
use serde::Serialize;

/// How many, how long in sum, how long at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// How many were measured.
    pub count: u64,
    /// Their sum, in microseconds.
    pub sum_micros: u64,
    /// The longest, in microseconds.
    pub max_micros: u64,
}

/// What is known about one method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MethodMetrics {
    /// Its name.
    pub method: &'static str,
    /// Waiting in the queue.
    pub wait: Measure,
    /// Being worked on.
    pub service: Measure,
    /// How many failed.
    pub errors: u64,
}

/// What is known about one queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueMetrics {
    /// Its topic.
    pub topic: &'static str,
    /// Its host, for a topic on a host.
    pub host: Option<HostId>,
    /// How many messages wait now.
    pub depth: usize,
    /// How many it can hold.
    pub capacity: usize,
    /// How many were turned away because it was full.
    pub refused: u64,
    /// How many workers take messages from it.
    pub workers: usize,
    /// By method, in alphabetical order.
    pub methods: Vec<MethodMetrics>,
}

#[derive(Default)]
struct Gauge {
    count: AtomicU64,
    sum: AtomicU64,
    max: AtomicU64,
}

impl Gauge {
    fn add(&self, duration: Duration) {
        let value = micros(duration);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
        self.max.fetch_max(value, Ordering::Relaxed);
    }

    fn read(&self) -> Measure {
        Measure {
            count: self.count.load(Ordering::Relaxed),
            sum_micros: self.sum.load(Ordering::Relaxed),
            max_micros: self.max.load(Ordering::Relaxed),
        }
    }
}

#[derive(Default)]
struct MethodMeter {
    wait: Gauge,
    service: Gauge,
    errors: AtomicU64,
}

/// The running counters of one queue.
pub(crate) struct QueueMeter {
    methods: HashMap<&'static str, MethodMeter>,
    refused: AtomicU64,
    workers: usize,
}

impl QueueMeter {
    pub(crate) fn new(methods: impl Iterator<Item = &'static str>, workers: usize) -> Self {
        let methods = methods.map(|method| (method, MethodMeter::default())).collect();
        Self { methods, refused: AtomicU64::new(0), workers }
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn served(&self, method: &str, waited: Duration, served: Duration, ok: bool) {
        if let Some(meter) = self.methods.get(method) {
            meter.wait.add(waited);
            meter.service.add(served);
            meter.errors.fetch_add(u64::from(!ok), Ordering::Relaxed);
        }
    }

    pub(crate) fn snapshot(
        &self,
        topic: &'static str,
        host: Option<HostId>,
        depth: usize,
        capacity: usize,
    ) -> QueueMetrics {
        let mut methods: Vec<_> = self
            .methods
            .iter()
            .map(|(method, meter)| MethodMetrics {
                method,
                wait: meter.wait.read(),
                service: meter.service.read(),
                errors: meter.errors.load(Ordering::Relaxed),
            })
            .collect();
        methods.sort_by_key(|metrics| metrics.method);
        let refused = self.refused.load(Ordering::Relaxed);
        QueueMetrics { topic, host, depth, capacity, refused, workers: self.workers, methods }
    }
}
