//! TLS: which certificate is shown, and that it is always a good one.
//!
//! There is the operator's own (`[api.tls] certificate`), or one of cloudbox's own authority, which is made anew before it ends and when the
//! host has got another name or address; and beside that one, for the names of `[api.tls.acme]`, one of a public authority. Whatever takes its place is shown from the next handshake on; what cannot be used
//! changes nothing, the log says why, and the health says that something is wrong.

mod acme;
mod authority;
mod certificate;
mod names;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use kit::config::{ApiConfig, TlsConfig};
use kit::{Condition, Conditions, SharedClock, Timestamp};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use acme::Acme;
use authority::Authority;
use certificate::Certificate;
pub use certificate::CertificateError;

/// How often it is looked whether the certificate is still the right one.
const LOOK: Duration = Duration::from_secs(60);
/// How long before the end of an operator's certificate the health says so, in seconds.
const SOON: i64 = 14 * 24 * 3600;
/// What the health says.
const BROKEN: &str = "the TLS certificate cannot be read or made anew; the one before is shown";
const ENDS: &str = "the TLS certificate ends within 14 days";
const REFUSED: &str = "no certificate can be had of the ACME authority";
/// How long after a failure the authority is asked again, and the longest such pause.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// The certificate, and where it comes from.
pub(super) struct Tls {
    source: Source,
    acme: Option<Acme>,
    ca_file: Option<PathBuf>,
    limits: TlsConfig,
    shown: Arc<Shown>,
    clock: SharedClock,
    conditions: Conditions,
    nudge: Notify,
}

enum Source {
    /// The operator's: certificate and key.
    Files { chain: PathBuf, key: PathBuf },
    /// cloudbox's own authority's.
    Own(Own),
}

struct Own {
    directory: PathBuf,
    listen: IpAddr,
    public_url: String,
    more: Vec<String>,
    device_prefix: String,
}

/// What is shown to clients now.
#[derive(Debug)]
struct Shown(RwLock<Faces>);

#[derive(Debug, Clone)]
struct Faces {
    usual: Arc<CertifiedKey>,
    /// The public authority's, for those who ask for one of its names.
    public: Option<Certificate>,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let faces = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let public = hello.server_name().and_then(|name| faces.public.as_ref().filter(|public| public.is_for(name)));
        Some(Arc::clone(public.map_or(&faces.usual, |public| &public.key)))
    }
}

impl Shown {
    #[cfg(test)]
    fn now(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).usual)
    }

    /// Shows `faces` from now on. Whether they are others than before.
    fn show(&self, faces: Faces) -> bool {
        let mut shown = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let public = |faces: &Faces| faces.public.as_ref().map(|public| public.key.cert.clone());
        let other = shown.usual.cert != faces.usual.cert || public(&shown) != public(&faces);
        *shown = faces;
        other
    }
}

impl Tls {
    /// What `config` says, for clients that know the cloud as `public_url`. Made or read, and good now. It reads and writes files.
    pub(super) fn open(
        config: &ApiConfig,
        device_prefix: &str,
        data_dir: &Path,
        public_url: &str,
        clock: SharedClock,
    ) -> Result<Arc<Self>, CertificateError> {
        let source = Source::new(config, device_prefix, data_dir, public_url)?;
        let named = !config.tls.acme.domains.is_empty();
        let acme = named.then(|| Acme::new(config.tls.acme.clone(), &data_dir.join("tls")));
        let ca_file = Some(config.tls.ca_file.clone()).filter(|path| !path.as_os_str().is_empty());
        let own = (matches!(source, Source::Own(_)) && acme.is_none()).then(|| data_dir.join("tls/ca.pem"));
        let now = clock.now();
        let usual = source.certificate(now)?.key;
        let shown = Arc::new(Shown(RwLock::new(Faces { usual, public: public(acme.as_ref(), now) })));
        let (limits, conditions, nudge) = (config.tls.clone(), Conditions::default(), Notify::new());
        Ok(Arc::new(Self { source, acme, ca_file: ca_file.or(own), limits, shown, clock, conditions, nudge }))
    }

    /// For the listener.
    pub(super) fn acceptor(&self) -> Result<Arc<http_kit::Tls>, rustls::Error> {
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config.with_safe_default_protocol_versions()?.with_no_client_auth();
        let config = config.with_cert_resolver(self.shown.clone());
        let time = Duration::from_secs(self.limits.handshake_timeout_secs);
        Ok(Arc::new(http_kit::Tls::new(config, self.limits.max_handshakes, time)))
    }

    /// The file that clients trust it by, where it is not the system's matter.
    pub(super) fn ca_file(&self) -> Option<PathBuf> {
        self.ca_file.clone()
    }

    /// What is wrong with it.
    pub(super) fn condition(&self) -> Condition {
        self.conditions.now()
    }

    /// Has it looked at now: somebody says that there is a new one.
    pub(super) fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Keeps it good until `stop`.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let (mut pause, mut not_before) = (FIRST_PAUSE, Instant::now());
        loop {
            if Instant::now() >= not_before
                && let Some(renewed) = stop.run_until_cancelled(self.renew()).await.flatten()
            {
                pause = if renewed { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
                not_before = Instant::now() + if renewed { Duration::ZERO } else { pause };
            }
            tokio::select! {
                () = stop.cancelled() => return,
                // Somebody may have mended what was wrong.
                () = self.nudge.notified() => (pause, not_before) = (FIRST_PAUSE, Instant::now()),
                () = tokio::time::sleep(LOOK) => {}
            }
            self.look_away().await;
        }
    }

    /// Gets a certificate of the public authority where one is due. Whether that went well; nothing where none is.
    async fn renew(self: &Arc<Self>) -> Option<bool> {
        let (tls, now) = (self.clone(), self.clock.now());
        let due = tokio::task::spawn_blocking(move || tls.acme.as_ref().is_some_and(|acme| acme.is_due(now))).await;
        let acme = self.acme.as_ref().filter(|_| due.unwrap_or(false))?;
        let renewed = acme.renew().await;
        if let Err(error) = &renewed {
            tracing::error!(%error, "no certificate was had of the ACME authority; it is asked again later");
        }
        self.conditions.set(REFUSED, renewed.is_err());
        self.look_away().await;
        Some(renewed.is_ok())
    }

    /// [`Tls::look`], away from the workers: it reads and writes files.
    async fn look_away(self: &Arc<Self>) {
        let tls = self.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || tls.look()).await {
            tracing::error!(%error, "looking at the TLS certificate failed and is tried again");
        }
    }

    /// Shows another certificate where there is one.
    fn look(&self) {
        let now = self.clock.now();
        let found = self.source.certificate(now);
        self.conditions.set(BROKEN, found.is_err());
        match found {
            Ok(found) => {
                self.conditions.set(ENDS, found.ends.as_second() < now.as_second() + SOON);
                let faces = Faces { usual: found.key, public: public(self.acme.as_ref(), now) };
                if self.shown.show(faces) {
                    tracing::info!("another TLS certificate is shown from now on");
                }
            }
            Err(error) => tracing::error!(%error, "the TLS certificate cannot be used; the one before is shown"),
        }
    }
}

impl Source {
    fn new(
        config: &ApiConfig,
        device_prefix: &str,
        data_dir: &Path,
        public_url: &str,
    ) -> Result<Self, CertificateError> {
        let tls = &config.tls;
        if !tls.certificate.as_os_str().is_empty() {
            return Ok(Self::Files { chain: tls.certificate.clone(), key: tls.key.clone() });
        }
        let directory = data_dir.join("tls");
        std::fs::create_dir_all(&directory).map_err(|source| CertificateError::file(&directory, source))?;
        let (listen, public_url) = (config.listen.ip(), public_url.to_owned());
        let (more, device_prefix) = (tls.names.clone(), device_prefix.to_owned());
        Ok(Self::Own(Own { directory, listen, public_url, more, device_prefix }))
    }

    /// The certificate to show at `now`.
    fn certificate(&self, now: Timestamp) -> Result<Certificate, CertificateError> {
        match self {
            Self::Files { chain, key } => {
                let found = Certificate::read(chain, key)?;
                found.check(chain, now)?;
                Ok(found)
            }
            Self::Own(own) => {
                let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
                Authority::open(&own.directory, &host, now)?.certify(&own.names(), now)
            }
        }
    }
}

/// The certificate of the public authority, where there is one that is good now.
fn public(acme: Option<&Acme>, now: Timestamp) -> Option<Certificate> {
    acme?.certificate().filter(|certificate| certificate.check(Path::new("acme.pem"), now).is_ok())
}

impl Own {
    fn names(&self) -> BTreeSet<String> {
        names::of_host(self.listen, &self.public_url, &self.more, &self.device_prefix)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kit::ManualClock;

    use super::*;

    fn api(directory: &Path) -> ApiConfig {
        let mut api = ApiConfig { listen: "127.0.0.1:0".parse().unwrap(), ..ApiConfig::default() };
        api.tls.certificate = directory.join("chain.pem");
        api.tls.key = directory.join("key.pem");
        api
    }

    /// Somebody's certificate, good for 90 days from `now` on.
    fn put(directory: &Path, now: Timestamp) {
        let other = tempfile::tempdir().unwrap();
        let names = ["box".to_owned()].into();
        Authority::open(other.path(), "other", now).unwrap().certify(&names, now).unwrap();
        for file in ["chain.pem", "key.pem"] {
            std::fs::copy(other.path().join("server.pem"), directory.join(file)).unwrap();
        }
    }

    fn open(directory: &Path, clock: &Arc<ManualClock>) -> Result<Arc<Tls>, CertificateError> {
        Tls::open(&api(directory), "cb", directory, "https://box", clock.clone())
    }

    fn days(days: u64) -> Duration {
        Duration::from_secs(days * 24 * 3600)
    }

    #[test]
    fn the_operators_certificate_is_read_again_and_a_broken_one_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        put(directory.path(), kit::Clock::now(&*clock));
        let tls = open(directory.path(), &clock).unwrap();
        let first = tls.shown.now();
        tls.look();
        assert_eq!(first.cert, tls.shown.now().cert);
        put(directory.path(), kit::Clock::now(&*clock));
        tls.look();
        let second = tls.shown.now();
        assert_ne!(first.cert, second.cert);
        std::fs::write(directory.path().join("chain.pem"), "half a certificate").unwrap();
        tls.look();
        assert_eq!(second.cert, tls.shown.now().cert);
        assert_eq!(tls.condition().reasons, [BROKEN].into());
        put(directory.path(), kit::Clock::now(&*clock));
        clock.advance(days(80));
        tls.look();
        assert_eq!(tls.condition().reasons, [ENDS].into());
    }

    #[test]
    fn what_cannot_be_used_at_the_start_says_why() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        let refusal = || open(directory.path(), &clock).err().unwrap().to_string();
        assert!(refusal().contains("chain.pem: No such file"), "{}", refusal());
        put(directory.path(), kit::Clock::now(&*clock));
        clock.advance(days(91));
        assert!(
            refusal().contains("ended at 2027-04-15") && refusal().contains("put a new one there"),
            "{}",
            refusal()
        );
        clock.set_back(days(100));
        assert!(refusal().contains("set the clock"), "{}", refusal());
        clock.advance(days(20));
        let key = directory.path().join("key.pem");
        std::fs::write(&key, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert!(refusal().contains("this key is not that of the certificate"), "{}", refusal());
        std::fs::write(&key, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
            .unwrap();
        assert!(refusal().contains("there is no key in it"), "{}", refusal());
    }

    #[test]
    fn another_name_is_another_certificate_of_the_same_authority() {
        let directory = tempfile::tempdir().unwrap();
        let mut api = ApiConfig { listen: "127.0.0.1:0".parse().unwrap(), ..ApiConfig::default() };
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        let open = |api: &ApiConfig| Tls::open(api, "cb", directory.path(), "https://box", clock.clone()).unwrap();
        let first = open(&api);
        assert_eq!(first.ca_file(), Some(directory.path().join("tls/ca.pem")));
        api.tls.names = vec!["alias.example".to_owned()];
        let second = open(&api);
        assert_ne!(first.shown.now().cert.first(), second.shown.now().cert.first());
        assert_eq!(first.shown.now().cert.last(), second.shown.now().cert.last());
        clock.advance(days(61));
        second.look();
        assert_ne!(open(&api).shown.now().cert, first.shown.now().cert);
        assert_eq!(open(&api).shown.now().cert, second.shown.now().cert);
    }
}
