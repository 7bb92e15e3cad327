//! The agent and what it answers on topic `compute`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bus::topics::compute_agent::{
    AttachVolume, BuildInstance, DetachVolume, GetConsoleOutput, GetSerialEndpoint, GetVncEndpoint, RebootInstance,
    SnapshotInstance, StartInstance, StopInstance, TOPIC, TerminateInstance,
};
use bus::{Bus, Client, Message, Server, ServerHandle};
use hypervisor::{CacheMode, Driver};
use kit::config::ComputeConfig;
use kit::ids::{HostId, ServerId};
use kit::{Condition, Conditions, Fault, RequestContext};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::console;
use crate::disks::fake::FakeDisks;
use crate::disks::qemu_img::QemuImg;
use crate::disks::{DiskTool, blocking, direct_io_works, make_directory};
use crate::guest::paths::Paths;
use crate::image_cache::ImageCache;
use crate::image_service::ImageService;
use crate::owner::{Job, Operation, Owners};

/// The agent's name on the bus and in traces.
pub(crate) const NAME: &str = "compute-agent";
/// How many disks are copied at once: one after the other is quicker than all in turns.
const COPIES: usize = 2;
/// How long what is under way may take to let go at a stop.
const LET_GO: Duration = Duration::from_secs(10);

/// The compute agent of one host.
pub struct ComputeAgent {
    pub(crate) client: Client,
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) host: HostId,
    pub(crate) config: ComputeConfig,
    pub(crate) paths: Paths,
    pub(crate) disks: Arc<dyn DiskTool>,
    pub(crate) images: ImageCache,
    pub(crate) image_service: Arc<ImageService>,
    pub(crate) builds: Arc<Semaphore>,
    pub(crate) copies: Semaphore,
    pub(crate) owners: Owners,
    pub(crate) tasks: TaskTracker,
    pub(crate) stopping: CancellationToken,
    pub(crate) conditions: Conditions,
    cache_mode: OnceLock<CacheMode>,
    settled: AtomicBool,
}

impl ComputeAgent {
    /// The agent of `host`, with its files below `data_dir`. The cloud's API shows a certificate of the authority in `ca_file`,
    /// or of one that the system trusts. No I/O yet.
    #[must_use]
    pub fn new(
        bus: &Bus,
        driver: Arc<dyn Driver>,
        host: HostId,
        config: ComputeConfig,
        data_dir: PathBuf,
        ca_file: Option<PathBuf>,
    ) -> Arc<Self> {
        let paths = Paths::new(data_dir);
        let disks: Arc<dyn DiskTool> =
            if config.hypervisor == "fake" { Arc::new(FakeDisks) } else { Arc::new(QemuImg) };
        let image_service = Arc::new(ImageService::new(ca_file));
        Arc::new(Self {
            client: bus.client(NAME),
            driver,
            host,
            images: ImageCache::new(paths.image_cache(), Arc::clone(&disks), Arc::clone(&image_service)),
            image_service,
            builds: Arc::new(Semaphore::new(config.build_concurrency.max(1))),
            copies: Semaphore::new(COPIES),
            config,
            paths,
            disks,
            owners: Owners::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            conditions: Conditions::default(),
            cache_mode: OnceLock::new(),
            settled: AtomicBool::new(false),
        })
    }

    /// Answers topic `compute` on this host.
    #[must_use]
    pub fn serve(self: &Arc<Self>, bus: &Bus) -> Vec<ServerHandle> {
        let server = bus.server(TOPIC).on_host(&self.host);
        let server = self.queued(server, |m: BuildInstance| (m.server_id, Operation::Build));
        let server = self.queued(server, |m: TerminateInstance| (m.server_id, Operation::Terminate));
        let server = self.queued(server, |m: StartInstance| (m.server_id, Operation::Start));
        let server = self.queued(server, |m: StopInstance| (m.server_id, Operation::Stop));
        let server = self.queued(server, |m: RebootInstance| (m.server_id, Operation::Reboot(m.kind)));
        let server = self.queued(server, |m: AttachVolume| (m.server_id.clone(), Operation::Attach(Box::new(m))));
        let server = self.queued(server, |m: DetachVolume| (m.server_id.clone(), Operation::Detach(Box::new(m))));
        let server = self.queued(server, |m: SnapshotInstance| (m.server_id, Operation::Snapshot));
        let agent = Arc::clone(self);
        let server = server.on(move |_context, message: GetConsoleOutput| {
            let agent = Arc::clone(&agent);
            async move { console::output(&agent, &message.server_id, message.lines).await }
        });
        let agent = Arc::clone(self);
        let server = server.on(move |_context, message: GetVncEndpoint| {
            let agent = Arc::clone(&agent);
            async move { console::vnc(&agent, &message.server_id).await }
        });
        let agent = Arc::clone(self);
        let server = server.on(move |_context, message: GetSerialEndpoint| {
            let agent = Arc::clone(&agent);
            async move { console::serial(&agent, &message.server_id).await }
        });
        vec![server.start()]
    }

    /// Hands messages of type `M` to the task of the server that they are about.
    fn queued<M: Message<Reply = ()>>(
        self: &Arc<Self>,
        server: Server,
        read: impl Fn(M) -> (ServerId, Operation) + Copy + Send + Sync + 'static,
    ) -> Server {
        let agent = Arc::clone(self);
        server.on(move |context: RequestContext, message: M| {
            let (id, operation) = read(message);
            // The work outlives the message: its spans are reported when it is done.
            let trace = if context.trace.is_on() { kit::Trace::on() } else { kit::Trace::off() };
            let context = RequestContext { trace, ..context.without_deadline() };
            std::future::ready(agent.submit(&id, Job { context, operation }))
        })
    }

    /// Makes the directories, registers the host, takes up what an earlier process left undone. Where the hypervisor cannot be
    /// reached that is left to [`ComputeAgent::run`]: until then the host takes no servers.
    ///
    /// # Errors
    /// Where the data directory is not usable, or conductor does not answer.
    pub async fn start(self: &Arc<Self>) -> Result<(), Fault> {
        self.prepare().await?;
        match crate::reconcile::settle_host(self).await {
            Err(fault) if !self.driver.health().connected => {
                tracing::warn!(error = %fault.chain(), "the host's guests are looked after once the hypervisor is there");
                Ok(())
            }
            settled => settled,
        }
    }

    /// What is wrong with the host's guests as a whole.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.conditions.set("libvirt is not reachable", !self.driver.health().connected);
        self.conditions.now()
    }

    /// Whether what was left undone has been taken up, and the host is registered.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::SeqCst)
    }

    pub(crate) fn set_settled(&self) {
        self.settled.store(true, Ordering::SeqCst);
    }

    /// Keeps the host registered and follows its guests, until `stop`. Guests stay as they are.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = crate::reconcile::follow(&self) => {}
            () = crate::reconcile::settle_late(&self) => {}
            () = crate::reconcile::heartbeat(&self) => {}
            () = crate::reconcile::sweep_daily(&self) => {}
        }
        self.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(LET_GO, self.tasks.wait()).await.is_err() {
            tracing::warn!("what is done to servers did not let go in time");
        }
    }

    /// Whether the host caches guests' disks.
    pub(crate) fn cache_mode(&self) -> CacheMode {
        self.cache_mode.get().copied().unwrap_or(CacheMode::Writeback)
    }

    async fn prepare(&self) -> Result<(), Fault> {
        self.paths.check()?;
        let (paths, uri) = (self.paths.clone(), self.config.hypervisor.clone());
        let direct = blocking(move || {
            for directory in [paths.instances(), paths.image_cache(), paths.run()] {
                make_directory(&directory)?;
            }
            crate::host::hand_over_sockets(&uri, &paths.run());
            Ok(direct_io_works(&paths.instances()))
        });
        let mode = if direct.await? { CacheMode::None } else { CacheMode::Writeback };
        // A second start finds the same.
        let _was_set = self.cache_mode.set(mode);
        self.images.clear_drafts().await?;
        self.images.sweep(self.paths.instances()).await?;
        Ok(())
    }
}
