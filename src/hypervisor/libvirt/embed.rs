//! `qemu:///embed?root=DIR`: libvirt's QEMU driver inside this process, with all of its state below `DIR`.
//!
//! What was found out (libvirt 11.3):
//! * Guests outlive the process. Whoever opens the root next finds them running, and hears of them; the
//!   root is locked by a pid file for as long as a process has it open.
//! * One process can have one root open at a time (opened twice it is the same driver).
//! * Serial logs go through virtlogd by default even here, and without that daemon no guest starts: so
//!   `stdio_handler = "file"`. Then nobody bounds the log's size: [`crate::console`] does.
//! * QEMU runs as `libvirt-qemu` by default and cannot reach files below a directory of mode 0700; started by root it
//!   is told to run as root. QEMU's seccomp filter stays on; AppArmor and mount namespaces are off. That is
//!   for demos and tests on one's own machine: `qemu:///system` is for guests of strangers.
//! * Libvirt's log has warnings printed to stderr (`tainted: high-privileges` at every start); only the environment
//!   variable `LIBVIRT_LOG_OUTPUTS` turns them elsewhere, and it has to be there before the process starts.
//! * The first opening of a new root probes QEMU (3 s here) and caches the result below the root.

use std::path::{Path, PathBuf};

use super::error::{Failure, Outcome};

/// What an embedded driver needs set. Written once: an operator may change it afterwards.
const CONFIGURATION: &str = "\
# Written by cloudbox for its embedded libvirt; kept if it exists.
# No virtlogd: QEMU writes the serial logs itself.
stdio_handler = \"file\"
security_driver = \"none\"
namespaces = [ ]
remember_owner = 0
";

/// Run as the one who started us: only root has a choice.
const AS_ROOT: &str = "user = \"root\"\ngroup = \"root\"\n";

/// The root of an embedded driver, if `uri` names one.
pub fn root_of(uri: &str) -> Option<PathBuf> {
    let (_, query) = uri.strip_prefix("qemu:///embed")?.split_once('?')?;
    let root = query.split('&').find_map(|pair| pair.strip_prefix("root="))?;
    (!root.is_empty()).then(|| PathBuf::from(root))
}

/// Makes `root` ready to be opened.
pub fn prepare(root: &Path) -> Outcome<()> {
    if !root.is_absolute() {
        return Err(Failure::other(format!("the embedded driver's root {} is not absolute", root.display())));
    }
    let directory = root.join("etc");
    let file = directory.join("qemu.conf");
    if file.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(&directory)?;
    let as_root = if rustix::process::geteuid().is_root() { AS_ROOT } else { "" };
    let draft = directory.join(".qemu.conf.new");
    std::fs::write(&draft, format!("{CONFIGURATION}{as_root}"))?;
    std::fs::rename(&draft, &file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_in_the_uri() {
        assert_eq!(root_of("qemu:///embed?root=/a/b"), Some(PathBuf::from("/a/b")));
        assert_eq!(root_of("qemu:///embed?x=1&root=/a"), Some(PathBuf::from("/a")));
        assert_eq!(root_of("qemu:///embed?root="), None);
        assert_eq!(root_of("qemu:///system"), None);
    }

    #[test]
    fn what_an_operator_wrote_stays() {
        let root = tempfile::tempdir().unwrap();
        prepare(root.path()).unwrap();
        let file = root.path().join("etc/qemu.conf");
        assert!(std::fs::read_to_string(&file).unwrap().contains("stdio_handler = \"file\""));
        std::fs::write(&file, "mine").unwrap();
        prepare(root.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    }
}
