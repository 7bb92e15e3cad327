//! The units that the supervisor runs, in start order.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use admin::Admin;
use bus::{Bus, ServerHandle};
use compute_agent::ComputeAgent;
use console::Console;
use futures_util::future::BoxFuture;
use http_kit::{App, Policies};
use kit::config::Config;
use kit::ids::HostId;
use kit::{Condition, Fault};
use network_agent::NetworkAgent;
use store::Store;
use tokio_util::sync::CancellationToken;
use volume_agent::VolumeAgent;

use super::policy_file::PolicyFile;
use super::retention::Retention;
use super::tls::Tls;
use super::{Drivers, Services, service_manager};
use crate::supervisor::{Unit, UnitContext};

/// How long a topic's server has to work off its queue when it stops.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a part has to make its host as it should be: guests may have to be started again.
const START: Duration = Duration::from_secs(300);
/// How long the listener waits for open requests.
const DRAIN_REQUESTS: Duration = Duration::from_secs(35);

/// Services, then agents.
pub(super) fn all(
    services: &Services,
    drivers: &Drivers,
    bus: &Bus,
    host: &HostId,
    config: &Config,
    data_dir: &Path,
    ca_file: Option<PathBuf>,
) -> Vec<Unit> {
    let (network, volume) = (drivers.network.clone(), drivers.volume.clone());
    let volume_agent = VolumeAgent::new(bus, volume, host.clone());
    let network_agent = NetworkAgent::new(bus, network, host.clone(), data_dir.join("run/tunnels"));
    let (hypervisor, compute) = (drivers.hypervisor.clone(), config.compute.clone());
    let compute_agent = ComputeAgent::new(bus, hypervisor, host.clone(), compute, data_dir.to_owned(), ca_file);
    vec![
        service("identity", bus, &services.identity, |s, bus| s.serve(bus), |s, stop| s.run(stop)),
        service("image", bus, &services.image, |s, bus| s.serve(bus), |s, stop| s.run(stop)),
        service("network", bus, &services.network, |s, bus| s.serve(bus), |s, stop| s.run(stop)),
        service("volume", bus, &services.volume, |s, bus| s.serve(bus), |s, stop| s.run(stop)),
        service("compute", bus, &services.compute, |s, bus| s.serve(bus), |s, stop| s.run(stop)),
        agent(
            "volume-agent",
            bus,
            &volume_agent,
            |a, bus| a.serve(bus),
            |a| Box::pin(async move { a.start().await }),
            |a, stop| a.run(stop),
        ),
        agent(
            "network-agent",
            bus,
            &network_agent,
            |a, bus| a.serve(bus),
            |a| Box::pin(async move { a.start().await }),
            |a, stop| a.run(stop),
        )
        .reporting(condition(&network_agent, NetworkAgent::condition)),
        agent(
            "compute-agent",
            bus,
            &compute_agent,
            |a, bus| a.serve(bus),
            |a| Box::pin(async move { a.start().await }),
            |a, stop| a.run(stop),
        )
        .reporting(condition(&compute_agent, ComputeAgent::condition)),
    ]
}

fn condition<A: Send + Sync + 'static>(
    agent: &Arc<A>,
    ask: fn(&A) -> Condition,
) -> impl Fn() -> Condition + Send + Sync + 'static {
    let agent = agent.clone();
    move || ask(&agent)
}

/// A service: answers its topics, does its own work, and works off its queues when it stops.
fn service<S, Run>(
    name: &'static str,
    bus: &Bus,
    service: &Arc<S>,
    serve: fn(&Arc<S>, &Bus) -> Vec<ServerHandle>,
    run: fn(Arc<S>, CancellationToken) -> Run,
) -> Unit
where
    S: Send + Sync + 'static,
    Run: Future<Output = ()> + Send + 'static,
{
    agent(name, bus, service, serve, |_| Box::pin(std::future::ready(Ok(()))), run)
}

/// An agent: like a service, and ready once it has made its host as it should be.
fn agent<A, Run>(
    name: &'static str,
    bus: &Bus,
    agent: &Arc<A>,
    serve: fn(&Arc<A>, &Bus) -> Vec<ServerHandle>,
    start: fn(Arc<A>) -> BoxFuture<'static, Result<(), Fault>>,
    run: fn(Arc<A>, CancellationToken) -> Run,
) -> Unit
where
    A: Send + Sync + 'static,
    Run: Future<Output = ()> + Send + 'static,
{
    let (bus, agent) = (bus.clone(), agent.clone());
    let unit = Unit::new(name, move |context: UnitContext| {
        let (bus, agent) = (bus.clone(), agent.clone());
        async move {
            let servers = serve(&agent, &bus);
            start(agent.clone()).await?;
            context.ready();
            run(agent, context.stop).await;
            for server in servers {
                server.stop(DRAIN).await;
            }
            Ok(())
        }
    });
    unit.stop_within(DRAIN * 4).ready_within(START)
}

/// Tells systemd that the process is alive.
pub(super) fn watchdog(store: &Store, interval: Duration) -> Unit {
    let store = store.clone();
    Unit::new("watchdog", move |context: UnitContext| {
        let store = store.clone();
        async move {
            context.ready();
            service_manager::keep_alive(store, interval, context.stop).await;
            Ok(())
        }
    })
}

/// The audit trail: it is there before anything is asked, and ends after the last request.
pub(super) fn audit(admin: &Arc<Admin>) -> Unit {
    let reporting = condition(admin, Admin::condition);
    let admin = admin.clone();
    let unit = Unit::new("audit", move |context: UnitContext| {
        let admin = admin.clone();
        async move {
            context.ready();
            admin.run(context.stop).await;
            Ok(())
        }
    });
    unit.reporting(reporting)
}

/// The policy file, which is looked at for changes.
pub(super) fn policy(file: &Arc<PolicyFile>, policies: &Arc<Policies>) -> Unit {
    let reporting = condition(file, PolicyFile::condition);
    let (file, policies) = (file.clone(), policies.clone());
    let unit = Unit::new("policy", move |context: UnitContext| {
        let (file, policies) = (file.clone(), policies.clone());
        async move {
            context.ready();
            file.run(policies, context.stop).await;
            Ok(())
        }
    });
    unit.reporting(reporting)
}

/// The certificate, which is looked at and made anew.
pub(super) fn tls(tls: &Arc<Tls>) -> Unit {
    let reporting = condition(tls, Tls::condition);
    let tls = tls.clone();
    let unit = Unit::new("tls", move |context: UnitContext| {
        let tls = tls.clone();
        async move {
            context.ready();
            tls.run(context.stop).await;
            Ok(())
        }
    });
    unit.reporting(reporting)
}

/// Forgetting what is over.
pub(super) fn retention(services: &Services, config: &Config) -> Unit {
    let retention = Arc::new(Retention {
        config: config.retention.clone(),
        compute: services.compute.clone(),
        identity: services.identity.clone(),
    });
    Unit::new("retention", move |context: UnitContext| {
        let retention = retention.clone();
        async move {
            context.ready();
            retention.run(context.stop).await;
            Ok(())
        }
    })
}

/// The listener: last to start, first to stop.
pub(super) fn listener(
    app: App,
    listener: TcpListener,
    tls: Option<Arc<http_kit::Tls>>,
    console: Arc<Console>,
    stop_consoles: CancellationToken,
) -> Unit {
    let unit = Unit::new("api", move |context: UnitContext| {
        let (app, listener, console) = (app.clone(), listener.try_clone(), console.clone());
        let tls = tls.clone();
        let stop_consoles = stop_consoles.clone();
        async move {
            let taken = listener.and_then(tokio::net::TcpListener::from_std);
            let listener = taken.map_err(|error| Fault::internal("taking the listener over", error))?;
            context.ready();
            match tls {
                Some(tls) => app.serve_tls(listener, tls, context.stop).await,
                None => app.serve(listener, context.stop).await,
            }
            stop_consoles.cancel();
            console.drained().await;
            Ok(())
        }
    });
    unit.stop_within(DRAIN_REQUESTS)
}
