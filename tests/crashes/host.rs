//! What a cloud with real guests and networks has on the host: everything bears its prefix or its directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

/// The host, as far as one cloud uses it.
pub struct Host {
    prefix: String,
    directory: PathBuf,
}

impl Host {
    /// The part of the host of the cloud in `directory`, with a prefix that is this process's own.
    pub fn new(directory: &Path) -> Self {
        let prefix = format!("k{:02x}", std::process::id() % 256);
        let host = Self { prefix, directory: directory.to_owned() };
        host.reboot();
        host
    }

    /// The lines that make a cloud use it.
    pub fn settings(&self) -> String {
        let (prefix, third) = (&self.prefix, std::process::id() % 256);
        let root = self.directory.join("libvirt");
        std::fs::create_dir_all(&root).unwrap();
        format!(
            "hypervisor = \"qemu:///embed?root={}\"\n[network]\ndriver = \"linux\"\ndevice_prefix = \"{prefix}\"\n\
             default_cidr = \"10.213.{third}.0/24\"\nexternal_cidr = \"10.214.{third}.0/24\"\n",
            root.display()
        )
    }

    /// Everything that is there: processes, devices, namespaces, firewall, files.
    pub fn everything(&self) -> Vec<String> {
        let mut found: Vec<String> = self.processes().into_iter().map(|(_, program)| program).collect();
        found.extend(self.links().into_iter().map(|name| format!("link {name}")));
        found.extend(self.namespaces().into_iter().map(|name| format!("namespace {name}")));
        found.extend(without_groups(&self.firewall()).into_iter().map(|line| format!("nft {line}")));
        let mut files = Vec::new();
        walk(&self.directory, &mut files);
        // Files that come and go by themselves, and whole images, which stay for the next guest.
        let passing =
            ["/cloudbox.db", "/serve.log", "/image-cache/", "/libvirt/cache/", "/libvirt/log/", "/points", "/token"];
        files.retain(|file| !passing.iter().any(|part| file.contains(part)) || file.ends_with(".part"));
        found.extend(files);
        found.sort();
        found
    }

    /// Where the network's helpers have their files.
    fn run_directory(&self) -> PathBuf {
        Path::new("/run/cloudbox").join(&self.prefix)
    }

    /// The processes that name a directory of the cloud's: guests and helpers, dnsmasq among them, not the cloud itself.
    fn processes(&self) -> Vec<(Pid, String)> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw)
            else {
                continue;
            };
            let line = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            let program = line.split('\0').next().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
            let ours = [self.directory.clone(), self.run_directory()];
            if ours.iter().any(|directory| line.contains(directory.to_str().unwrap())) && program != "cloudbox" {
                found.push((pid, program));
            }
        }
        found
    }

    /// The guests' processes.
    pub fn guests(&self) -> Vec<Pid> {
        let all = self.processes().into_iter();
        all.filter(|(_, program)| program.starts_with("qemu-system")).map(|(pid, _)| pid).collect()
    }

    fn links(&self) -> Vec<String> {
        let text = run("ip", &["-o", "link"]);
        let names = text.lines().filter_map(|line| line.split(": ").nth(1));
        let names = names.map(|name| name.split('@').next().unwrap().to_owned());
        names.filter(|name| name.starts_with(&self.prefix)).collect()
    }

    /// The network namespaces.
    pub fn namespaces(&self) -> Vec<String> {
        let text = run("ip", &["netns", "list"]);
        let names = text.lines().filter_map(|line| line.split_whitespace().next());
        names.filter(|name| name.starts_with(&self.prefix)).map(str::to_owned).collect()
    }

    /// The rules.
    pub fn firewall(&self) -> String {
        let table = |family| run("nft", &["-s", "list", "table", family, &self.prefix]);
        format!("{}{}", table("inet"), table("bridge"))
    }

    /// What a reboot leaves of all that: the files.
    pub fn reboot(&self) {
        for (pid, _) in self.processes() {
            let _gone_already = kill_process(pid, Signal::KILL);
        }
        for name in self.namespaces() {
            run("ip", &["netns", "delete", &name]);
        }
        for name in self.links() {
            run("ip", &["link", "delete", &name]);
        }
        for family in ["inet", "bridge"] {
            run("nft", &["delete", "table", family, &self.prefix]);
        }
        for directory in [self.directory.join("libvirt/run"), self.run_directory()] {
            let _none = std::fs::remove_dir_all(directory);
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.reboot();
    }
}

/// The rules of ports. A security group's own rules, which only its ports lead to, are there until the agent is told the next
/// time what there is in all; a process that starts does without groups that have no ports.
fn without_groups(firewall: &str) -> Vec<String> {
    let mut inside = false;
    let mut kept = Vec::new();
    for line in firewall.lines().map(str::trim) {
        inside |= line.starts_with("chain group-") || line.starts_with("set members");
        if !inside && !line.is_empty() && line != "}" {
            kept.push(line.to_owned());
        }
        inside &= line != "}";
    }
    kept
}

/// What a command prints; nothing where it fails.
pub fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn walk(directory: &Path, found: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), found);
        } else {
            found.push(entry.path().display().to_string());
        }
    }
}
