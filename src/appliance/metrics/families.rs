//! Every family of the page: names, meanings, and where the numbers come from. `docs/metrics.md` lists them.

use admin::status::{Host, Status};
use http_kit::RouteMetrics;
use http_kit::meter::BOUNDS;
use hypervisor::GuestUsage;
use kit::ids::ServerId;

use super::page::{Distribution, Family, Labels, Samples};
use crate::appliance::insight::Insight;

/// All of them.
pub(super) async fn all(insight: &Insight, routes: &[RouteMetrics]) -> Vec<Family> {
    let mut families = http(routes);
    families.extend(bus(&insight.bus.metrics()));
    families.extend(store(&insight.store.metrics(), insight.database().await));
    match insight.status().await {
        Ok(status) => families.extend(cloud(&status)),
        // The numbers before are worth something on their own.
        Err(fault) => tracing::warn!(error = fault.chain(), "the metrics lack what the database knows"),
    }
    let guests = insight.guests().await;
    let up = f64::from(u8::from(guests.is_some()));
    families.push(gauge("cloudbox_hypervisor_up", "Whether the hypervisor answers", vec![(Vec::new(), up)]));
    families.extend(of_guests(&guests.unwrap_or_default()));
    families
}

fn counter(name: &'static str, help: &'static str, samples: Vec<(Labels, f64)>) -> Family {
    Family { name, help, samples: Samples::Counter(samples) }
}

fn gauge(name: &'static str, help: &'static str, samples: Vec<(Labels, f64)>) -> Family {
    Family { name, help, samples: Samples::Gauge(samples) }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus' numbers are floating; a counter of 2^53 is far away")]
fn number(value: u64) -> f64 {
    value as f64
}

fn count(value: usize) -> f64 {
    number(u64::try_from(value).unwrap_or(u64::MAX))
}

fn seconds(micros: u64) -> f64 {
    number(micros) / 1e6
}

fn labels<const N: usize>(pairs: [(&'static str, &str); N]) -> Labels {
    pairs.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

fn http(routes: &[RouteMetrics]) -> Vec<Family> {
    let of = |route: &RouteMetrics| {
        let action = route.action.unwrap_or_default();
        labels([("service", route.service), ("method", &route.method), ("route", &route.route), ("action", action)])
    };
    let requests = routes.iter().flat_map(|route| {
        route.codes.iter().map(move |(code, count)| {
            let mut labels = of(route);
            labels.push(("code", code.to_string()));
            (labels, number(*count))
        })
    });
    let times =
        routes.iter().map(|route| (of(route), Distribution::new(&BOUNDS, &route.buckets, seconds(route.sum_micros))));
    vec![
        counter("cloudbox_http_requests", "Requests answered, by endpoint and status", requests.collect()),
        Family {
            name: "cloudbox_http_request_duration_seconds",
            help: "How long it took until the head of the answer was there",
            samples: Samples::Histogram(times.collect()),
        },
    ]
}

fn bus(queues: &[bus::QueueMetrics]) -> Vec<Family> {
    let each = |value: fn(&bus::QueueMetrics) -> f64| -> Vec<_> {
        queues.iter().map(|queue| (queue_labels(queue), value(queue))).collect()
    };
    let by_method = |value: fn(&bus::MethodMetrics) -> f64| -> Vec<_> {
        let of = |queue: &bus::QueueMetrics| -> Vec<_> {
            let used = queue.methods.iter().filter(|method| method.service.count > 0);
            let sample = |method: &bus::MethodMetrics| {
                let mut labels = queue_labels(queue);
                labels.push(("method", method.method.to_owned()));
                (labels, value(method))
            };
            used.map(sample).collect()
        };
        queues.iter().flat_map(of).collect()
    };
    vec![
        gauge("cloudbox_bus_queue_depth", "Messages that wait", each(|queue| count(queue.depth))),
        gauge("cloudbox_bus_queue_capacity", "Messages that a queue holds", each(|queue| count(queue.capacity))),
        gauge("cloudbox_bus_workers", "Workers that take messages from a queue", each(|queue| count(queue.workers))),
        counter("cloudbox_bus_refused", "Messages turned away by a full queue", each(|queue| number(queue.refused))),
        counter("cloudbox_bus_messages", "Messages served", by_method(|method| number(method.service.count))),
        counter("cloudbox_bus_errors", "Messages whose answer was a fault", by_method(|method| number(method.errors))),
        counter(
            "cloudbox_bus_wait_seconds",
            "Time that messages waited, in all",
            by_method(|method| seconds(method.wait.sum_micros)),
        ),
        counter(
            "cloudbox_bus_service_seconds",
            "Time that serving messages took, in all",
            by_method(|method| seconds(method.service.sum_micros)),
        ),
    ]
}

fn queue_labels(queue: &bus::QueueMetrics) -> Labels {
    let host = queue.host.as_ref().map(|host| host.as_str()).unwrap_or_default();
    labels([("topic", queue.topic), ("host", host)])
}

fn store(metrics: &store::Metrics, files: admin::status::Database) -> Vec<Family> {
    let queues = [("writes", metrics.writes), ("reads", metrics.reads)];
    let each = |value: fn(&store::QueueMetrics) -> f64| -> Vec<_> {
        queues.iter().map(|(name, queue)| (labels([("queue", *name)]), value(queue))).collect()
    };
    let one = |value: f64| vec![(Labels::new(), value)];
    let bounds: Vec<f64> = store::GROUP_BOUNDS.iter().map(|bound| number(*bound)).collect();
    let groups = Distribution::new(&bounds, &metrics.group_sizes, number(metrics.writes.jobs));
    vec![
        gauge("cloudbox_store_queue_depth", "Database jobs that wait", each(|queue| count(queue.depth))),
        gauge("cloudbox_store_queue_capacity", "Database jobs that a queue holds", each(|queue| count(queue.capacity))),
        counter("cloudbox_store_jobs", "Database jobs that ran", each(|queue| number(queue.jobs))),
        counter("cloudbox_store_failed_jobs", "Database jobs that failed", each(|queue| number(queue.failed))),
        counter("cloudbox_store_refused_jobs", "Database jobs turned away", each(|queue| number(queue.refused))),
        counter("cloudbox_store_wait_seconds", "Time that jobs waited", each(|queue| seconds(queue.wait_micros))),
        counter("cloudbox_store_service_seconds", "Time that jobs ran", each(|queue| seconds(queue.service_micros))),
        counter("cloudbox_store_commits", "Transactions committed", one(number(metrics.commits))),
        counter(
            "cloudbox_store_durable_commits",
            "Of these, those that waited for the disk",
            one(number(metrics.durable_commits)),
        ),
        counter("cloudbox_store_failed_commits", "Transactions that failed", one(number(metrics.failed_commits))),
        counter("cloudbox_store_commit_seconds", "Time that commits took, in all", one(seconds(metrics.commit_micros))),
        Family {
            name: "cloudbox_store_commit_jobs",
            help: "How many jobs a commit held",
            samples: Samples::Histogram(vec![(Labels::new(), groups)]),
        },
        gauge("cloudbox_store_size_bytes", "The size of the database", one(number(files.size_bytes))),
        gauge("cloudbox_store_log_bytes", "The size of its log", one(number(files.log_bytes))),
    ]
}

/// What the status tells, too.
fn cloud(status: &Status) -> Vec<Family> {
    let parts = |value: fn(&admin::status::Part) -> f64| -> Vec<_> {
        status.parts.iter().map(|part| (labels([("part", &part.name)]), value(part))).collect()
    };
    let is_well = |part: &admin::status::Part| part.state == "running" && part.condition.reasons.is_empty();
    let about = labels([("version", &status.version), ("host", &status.host)]);
    let mut families = vec![
        gauge("cloudbox_build_info", "The version that runs", vec![(about, 1.0)]),
        gauge("cloudbox_uptime_seconds", "How long it runs", vec![(Labels::new(), uptime(status))]),
        gauge(
            "cloudbox_part_up",
            "Whether a part works",
            status
                .parts
                .iter()
                .map(|part| (labels([("part", &part.name)]), f64::from(u8::from(is_well(part)))))
                .collect(),
        ),
        counter("cloudbox_part_restarts", "How often a part was started again", parts(|part| f64::from(part.restarts))),
    ];
    families.extend(workflows(status));
    families.extend(hosts(&status.hosts));
    families
}

fn uptime(status: &Status) -> f64 {
    number(u64::try_from(status.uptime_seconds).unwrap_or_default())
}

fn workflows(status: &Status) -> [Family; 2] {
    let mut running = std::collections::BTreeMap::<(&str, &str), u64>::new();
    for run in &status.workflows.running {
        *running.entry((&run.kind, &run.state)).or_default() += 1;
    }
    let running = running.into_iter();
    let running = running.map(|((kind, state), runs)| (labels([("kind", kind), ("state", state)]), number(runs)));
    let ended = status.workflows.ended.iter().flat_map(|kind| {
        let outcomes = [("done", kind.done), ("undone", kind.undone), ("stuck", kind.stuck)];
        outcomes.map(|(outcome, runs)| (labels([("kind", &kind.kind), ("outcome", outcome)]), number(runs)))
    });
    [
        gauge("cloudbox_workflows_running", "Long work under way (forward, unwinding) or stuck", running.collect()),
        counter("cloudbox_workflows", "Long work that ended", ended.collect()),
    ]
}

fn hosts(hosts: &[Host]) -> [Family; 5] {
    let each = |value: fn(&Host) -> f64| -> Vec<_> {
        hosts.iter().map(|host| (labels([("host", &host.host)]), value(host))).collect()
    };
    let resources = |value: fn(&admin::status::Amount) -> u64| -> Vec<_> {
        let of = |host: &Host| {
            let amounts = [("vcpus", host.vcpus), ("memory_mb", host.memory_mb), ("disk_gb", host.disk_gb)];
            amounts.map(|(name, amount)| (labels([("host", &host.host), ("resource", name)]), number(value(&amount))))
        };
        hosts.iter().flat_map(of).collect()
    };
    [
        gauge("cloudbox_host_up", "Whether a host takes part", each(|host| f64::from(u8::from(host.up)))),
        gauge("cloudbox_host_servers", "Servers on a host", each(|host| number(host.servers))),
        gauge("cloudbox_host_total", "What a host has", resources(|amount| amount.total)),
        gauge("cloudbox_host_sellable", "What of it can be promised to servers", resources(|amount| amount.sellable)),
        gauge("cloudbox_host_used", "What is promised to servers", resources(|amount| amount.used)),
    ]
}

fn of_guests(guests: &[(ServerId, GuestUsage)]) -> Vec<Family> {
    let mut families = vec![
        gauge("cloudbox_guests_running", "Guests that run on this host", vec![(Labels::new(), count(guests.len()))]),
        counter(
            "cloudbox_guest_cpu_seconds",
            "Time on the host's processors",
            each_guest(guests, |used| number(used.cpu_nanos) / 1e9),
        ),
    ];
    let gauges: [Measure; 3] = [
        ("cloudbox_guest_vcpus", "Virtual CPUs", |used| used.vcpus),
        ("cloudbox_guest_memory_bytes", "Memory that it was given", |used| used.memory_bytes),
        ("cloudbox_guest_resident_bytes", "Memory of the host that it holds", |used| used.resident_bytes),
    ];
    let counters: [Measure; 8] = [
        ("cloudbox_guest_disk_read_bytes", "Bytes read from its disks", |used| used.disk_read_bytes),
        ("cloudbox_guest_disk_reads", "Reads from its disks", |used| used.disk_reads),
        ("cloudbox_guest_disk_written_bytes", "Bytes written to its disks", |used| used.disk_written_bytes),
        ("cloudbox_guest_disk_writes", "Writes to its disks", |used| used.disk_writes),
        ("cloudbox_guest_received_bytes", "Bytes that came over its interfaces", |used| used.received_bytes),
        ("cloudbox_guest_received_packets", "Packets that came over its interfaces", |used| used.received_packets),
        ("cloudbox_guest_sent_bytes", "Bytes that it sent", |used| used.sent_bytes),
        ("cloudbox_guest_sent_packets", "Packets that it sent", |used| used.sent_packets),
    ];
    families.extend(gauges.map(|(name, help, of)| gauge(name, help, each_guest(guests, |used| number(of(used))))));
    families.extend(counters.map(|(name, help, of)| counter(name, help, each_guest(guests, |used| number(of(used))))));
    families
}

/// The name of a family, its help, and where a guest's value is.
type Measure = (&'static str, &'static str, fn(&GuestUsage) -> u64);

fn each_guest(guests: &[(ServerId, GuestUsage)], value: impl Fn(&GuestUsage) -> f64) -> Vec<(Labels, f64)> {
    guests.iter().map(|(id, used)| (labels([("server_id", id.as_str())]), value(used))).collect()
}
