//! The host that this runs on.

use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kit::Timestamp;
use store::FileSystem;
use x509_parser::pem::Pem;

use super::facts::{Facts, Known, Ran, Space};
use crate::appliance;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(10);

/// This host.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host;

/// `path`, or the nearest directory above it that is there.
fn nearest(path: &Path) -> PathBuf {
    path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/")).to_owned()
}

/// Everything from `pipe`, read by a thread of its own so that a full pipe stops nobody.
fn text_of(pipe: Option<impl io::Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What was read before an error is as good as there is.
            let _ = pipe.take(1 << 20).read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

impl Facts for Host {
    fn is_root(&self) -> bool {
        rustix::process::geteuid().is_root()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
    }

    fn names(&self, directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Option<Ran> {
        let mut child = Command::new(program)
            .args(arguments)
            .env("LC_ALL", "C")
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let (stdout, stderr) = (text_of(child.stdout.take()), text_of(child.stderr.take()));
        let begun = Instant::now();
        let ok = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status.success(),
                Ok(None) if begun.elapsed() < PATIENCE => std::thread::sleep(LOOK),
                Ok(None) | Err(_) => {
                    // It may have ended by itself just now.
                    let _ = child.kill();
                    let _ = child.wait();
                    break false;
                }
            }
        };
        let text = |reader: std::thread::JoinHandle<String>| reader.join().unwrap_or_default();
        Some(Ran { ok, stdout: text(stdout), stderr: text(stderr) })
    }

    fn kvm_obstacle(&self) -> Option<String> {
        hypervisor::libvirt::kvm_obstacle_here()
    }

    fn listen(&self, address: SocketAddr) -> io::Result<()> {
        TcpListener::bind(address).map(drop)
    }

    fn space(&self, path: &Path) -> Option<Space> {
        let found = rustix::fs::statvfs(nearest(path)).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Some(Space { free: bytes(found.f_bavail), total: bytes(found.f_blocks) })
    }

    fn file_system(&self, path: &Path) -> Option<(String, bool)> {
        let found = FileSystem::of(&nearest(path)).ok()?;
        Some((found.name().to_owned(), found.network_kind().is_some()))
    }

    fn database(&self, path: &Path) -> Option<Result<(), String>> {
        if !path.exists() {
            return None;
        }
        let found = store::inspect(path, &appliance::migrations(), env!("CARGO_PKG_VERSION"));
        Some(found.map(drop).map_err(|error| error.to_string()))
    }

    fn known(&self, path: &Path) -> Option<Known> {
        let ask = |db: &store::Connection| {
            Ok(Known {
                servers: compute::db::retention::living(db)?.into_iter().collect(),
                volumes: volume::ids(db)?.into_iter().collect(),
                devices: network::ids_with_devices(db)?.into_iter().collect(),
            })
        };
        path.exists().then(|| store::look(path, ask).ok()).flatten()
    }

    fn certificate(&self, path: &Path) -> Option<Result<(Timestamp, Timestamp), String>> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return Some(Err(error.to_string())),
            Ok(bytes) => bytes,
        };
        Some(validity(&bytes))
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// From when to when the first certificate in `bytes` (PEM) is good.
fn validity(bytes: &[u8]) -> Result<(Timestamp, Timestamp), String> {
    for pem in Pem::iter_from_buffer(bytes) {
        let pem = pem.map_err(|error| error.to_string())?;
        if pem.label == "CERTIFICATE" {
            let certificate = pem.parse_x509().map_err(|error| error.to_string())?;
            let validity = certificate.validity();
            let at = |time: &x509_parser::time::ASN1Time| {
                Timestamp::from_second(time.timestamp()).map_err(|error| error.to_string())
            };
            return Ok((at(&validity.not_before)?, at(&validity.not_after)?));
        }
    }
    Err("there is no certificate in it".to_owned())
}
