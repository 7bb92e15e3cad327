//! Named network namespaces: made, entered, listed, taken away.
//!
//! A namespace is entered by a thread made for it alone, which ends right after: no thread of the runtime
//! ever changes its namespace. What is made there (a socket, a child process) stays of that namespace.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::sync::oneshot;

use super::command::Tool;
use crate::drivers::driver::{DriverError, DriverResult};

/// Where named namespaces are, by iproute2's convention.
const DIRECTORY: &str = "/run/netns";

/// The file that stands for a namespace.
pub fn path(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(name)
}

/// Makes a namespace with its loopback device up. True when it was not there.
pub async fn ensure(name: &str) -> DriverResult<bool> {
    if is_live(name) {
        return Ok(false);
    }
    if tokio::fs::try_exists(path(name)).await.unwrap_or(false) {
        // A name that a reboot or a crash left without its namespace.
        remove(name).await?;
    }
    Tool::new(format!("making namespace {name}"), "ip", ["netns", "add", name]).run().await?;
    Tool::new(format!("setting up namespace {name}"), "ip", ["-n", name, "link", "set", "lo", "up"]).run().await?;
    Ok(true)
}

/// Takes a namespace away; fine when there is none.
pub async fn remove(name: &str) -> DriverResult<()> {
    if !tokio::fs::try_exists(path(name)).await.unwrap_or(true) {
        return Ok(());
    }
    Tool::new(format!("removing namespace {name}"), "ip", ["netns", "delete", name]).run().await.map(drop)
}

/// The names of all namespaces.
pub async fn list() -> DriverResult<BTreeSet<String>> {
    let doing = "listing namespaces";
    let mut entries = match tokio::fs::read_dir(DIRECTORY).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(DriverError::io(doing, error)),
    };
    let mut names = BTreeSet::new();
    while let Some(entry) = entries.next_entry().await.map_err(|error| DriverError::io(doing, error))? {
        names.insert(entry.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

/// Whether the name stands for a namespace: its file is then on the kernel's own file system, not on `/run`'s.
fn is_live(name: &str) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (std::fs::metadata(path(name)), std::fs::metadata("/proc/self/ns/net")) {
        (Ok(file), Ok(namespace)) => file.dev() == namespace.dev(),
        _ => false,
    }
}

/// Whether a process is in the namespace of that name.
pub fn has_process(name: &str, pid: i32) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (std::fs::metadata(path(name)), std::fs::metadata(format!("/proc/{pid}/ns/net"))) {
        (Ok(named), Ok(own)) => (named.dev(), named.ino()) == (own.dev(), own.ino()),
        _ => false,
    }
}

/// Runs `work` in the namespace of that name.
pub async fn within<T, F>(name: &str, work: F) -> DriverResult<T>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let doing = format!("entering namespace {name}");
    let (answer, answered) = oneshot::channel();
    let (path, doing_there) = (path(name), doing.clone());
    let enter_and_work = move || {
        let entered = std::fs::File::open(path).and_then(|file| {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).map_err(Into::into)
        });
        let result = entered.map(|()| work()).map_err(|error| DriverError::io(doing_there, error));
        // Nobody waits any more when the verb was given up.
        let _ = answer.send(result);
    };
    std::thread::Builder::new()
        .name("netns".to_owned())
        .spawn(enter_and_work)
        .map_err(|error| DriverError::io(doing.clone(), error))?;
    answered.await.unwrap_or(Err(DriverError::Stopped))
}

/// Sets kernel parameters (paths below `/proc/sys`) in a namespace, the process's own when there is none.
/// What this kernel does not have is passed over.
pub async fn set_parameters(name: Option<&str>, parameters: Vec<(String, &'static str)>) -> DriverResult<()> {
    let write = move || {
        for (parameter, value) in parameters {
            match std::fs::write(Path::new("/proc/sys").join(&parameter), value) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(DriverError::io(format!("setting {parameter} to {value}"), error));
                }
                _ => {}
            }
        }
        Ok(())
    };
    match name {
        Some(name) => within(name, write).await?,
        None => tokio::task::spawn_blocking(write).await.unwrap_or(Err(DriverError::Stopped)),
    }
}
