//! How often each endpoint was asked, what it answered and how long that took: for the metrics page.
//!
//! There is a meter per row, and one per service for requests that came to no row, so that whatever clients send makes no
//! new series. A time ends with the head of the response, as the one in the log does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::app::{App, Inner};
use crate::service::RowInfo;

/// Upper bounds of the buckets of [`RouteMetrics::buckets`], in seconds; the last bucket has no bound.
pub const BOUNDS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// What is known about the requests to one endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteMetrics {
    /// The service's name in the catalog; empty for what no service has.
    pub service: &'static str,
    /// The method; empty where requests came to no endpoint.
    pub method: String,
    /// The path with `{name}` for each parameter; empty where requests came to no endpoint.
    pub route: String,
    /// The action, where it is one.
    pub action: Option<&'static str>,
    /// How many were answered, by status.
    pub codes: BTreeMap<u16, u64>,
    /// How many took at most so long as [`BOUNDS`] says, and more than the bound before; last, longer than all.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// How long all of them took, in microseconds.
    pub sum_micros: u64,
}

/// The live counters of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    codes: Mutex<BTreeMap<u16, u64>>,
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Meter {
    /// Counts one request.
    pub(crate) fn count(&self, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        if let Some(counter) = self.buckets.get(bucket) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(kit::trace::micros(took), Ordering::Relaxed);
        *self.codes.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
    }

    /// The numbers now; nothing where there was no request.
    fn read(&self, service: &'static str, row: Option<&RowInfo>) -> Option<RouteMetrics> {
        let codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (!codes.is_empty()).then(|| RouteMetrics {
            service,
            method: row.map(|row| row.method.to_string()).unwrap_or_default(),
            route: row.map(|row| format!("{}{}", row.prefix, row.path)).unwrap_or_default(),
            action: row.and_then(|row| row.action),
            codes,
            buckets: std::array::from_fn(|at| {
                self.buckets.get(at).map_or(0, |counter| counter.load(Ordering::Relaxed))
            }),
            sum_micros: self.micros.load(Ordering::Relaxed),
        })
    }
}

/// Reads an [`App`]'s counters without keeping it alive: for a handler that is part of it.
#[derive(Clone)]
pub struct Metering(Weak<Inner>);

impl Metering {
    /// As [`App::metrics`]; nothing once the app is gone.
    #[must_use]
    pub fn metrics(&self) -> Vec<RouteMetrics> {
        self.0.upgrade().map(|inner| App { inner }.metrics()).unwrap_or_default()
    }
}

impl App {
    /// A reader of its counters that does not keep it alive.
    #[must_use]
    pub fn metering(&self) -> Metering {
        Metering(Arc::downgrade(&self.inner))
    }

    /// What is known about the endpoints that were asked; rows that differ in their microversions alone are one.
    #[must_use]
    pub fn metrics(&self) -> Vec<RouteMetrics> {
        let mut all: Vec<RouteMetrics> = self.inner.nowhere.read("", None).into_iter().collect();
        for mount in &self.inner.mounts {
            let name = mount.dialect.name;
            let rows = mount.rows.iter().filter_map(|row| row.meter.read(name, Some(&row.info)));
            for metrics in mount.meter.read(name, None).into_iter().chain(rows) {
                match all.iter_mut().find(|known| known.is_same(&metrics)) {
                    Some(known) => known.add(&metrics),
                    None => all.push(metrics),
                }
            }
        }
        all
    }
}

impl RouteMetrics {
    /// How many requests there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.service, &self.method, &self.route, self.action)
            == (other.service, &other.method, &other.route, other.action)
    }

    fn add(&mut self, other: &Self) {
        for (status, count) in &other.codes {
            *self.codes.entry(*status).or_default() += count;
        }
        for (bucket, count) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += count;
        }
        self.sum_micros += other.sum_micros;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::testing::{KnownTokens, call};
    use crate::{Endpoint, Limits, Reply, Request, Rule, Service, dialect};

    #[test]
    fn times_fall_into_buckets() {
        let meter = Meter::default();
        for (status, millis) in [(200, 1), (200, 2), (404, 10), (500, 60_000)] {
            meter.count(status, Duration::from_millis(millis));
        }
        let metrics = meter.read("toy", None).unwrap();
        assert_eq!(metrics.buckets, [1, 1, 0, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(metrics.codes, BTreeMap::from([(200, 2), (404, 1), (500, 1)]));
        assert_eq!((metrics.count(), metrics.sum_micros), (4, 60_013_000));
    }

    async fn thing(_: Arc<()>, _: Request) -> Result<Reply, kit::Fault> {
        Ok(Reply::ok(Value::Null))
    }

    #[tokio::test]
    async fn requests_are_counted_by_route_and_not_by_what_clients_send() {
        static RULES: &[Rule] = &[Rule::new("toy:get", "role:reader", "Look.")];
        static ROWS: &[Endpoint<()>] = &[
            Endpoint::get("/things/{id}", "toy:get", &thing),
            Endpoint::action("/things/{id}/action", "wave", "toy:get", &thing).since(2, 1).until(2, 5),
            Endpoint::action("/things/{id}/action", "wave", "toy:get", &thing).since(2, 6),
        ];
        static TABLES: &[&[Endpoint<()>]] = &[ROWS];
        let toy = Service::new(&dialect::NOVA, Arc::new(()), TABLES).rules(RULES);
        let toy = toy.authenticator(Arc::new(KnownTokens::usual()));
        let clock = Arc::new(kit::ManualClock::new(kit::Timestamp::UNIX_EPOCH));
        let app = App::new(Limits::default(), clock).public_url("http://cloud.test").mount(toy).build().unwrap();
        let ask = async |token: &str, method: &str, path: &str, version: &str| {
            let body = if method == "POST" { serde_json::json!({ "wave": {} }) } else { Value::Null };
            let headers = [("X-OpenStack-Nova-API-Version", version)];
            call(&app, token, method, path, &headers, &body).await.unwrap().status
        };
        assert_eq!(ask("member", "GET", "/compute/v2.1/things/1", "2.1").await, 200);
        assert_eq!(ask("member", "GET", "/compute/v2.1/things/2", "2.1").await, 200);
        assert_eq!(ask("", "GET", "/compute/v2.1/things/3", "2.1").await, 401);
        assert_eq!(ask("member", "POST", "/compute/v2.1/things/3/action", "2.1").await, 200);
        assert_eq!(ask("member", "POST", "/compute/v2.1/things/3/action", "2.60").await, 200);
        assert_eq!(ask("member", "GET", "/compute/v2.1/nothing", "2.1").await, 404);
        assert_eq!(ask("member", "GET", "/elsewhere", "2.1").await, 404);
        let seen: Vec<_> = app
            .metrics()
            .into_iter()
            .map(|m| format!("{} {} {} {:?} {:?}", m.service, m.method, m.route, m.action, m.codes))
            .collect();
        assert_eq!(
            seen,
            [
                "   None {404: 1}",
                "nova   None {404: 1}",
                "nova GET /compute/v2.1/things/{id} None {200: 2, 401: 1}",
                "nova POST /compute/v2.1/things/{id}/action Some(\"wave\") {200: 2}",
            ]
        );
    }
}
