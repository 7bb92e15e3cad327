//! `vm ssh`: finds the way to the guest, waits until it answers, checks whose keys it has, and becomes `ssh`.
//!
//! The way is a tunnel through the cloud's API, so that neither a route to the guest nor a floating IP is needed; with `--direct`, and where
//! the cloud has no tunnels, it is one of the guest's addresses. The host's keys are those that the guest has printed on its console.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, timeout};

use super::{console, host_keys, tunnel};
use crate::cli::output::text;
use crate::cli::problem::{Kind, Problem, Result};
use crate::cli::progress::Progress;
use crate::cli::resolve::{IMAGE, VM};
use crate::cli::session::Session;
use crate::cli::{local_keys, openrc, socket};

/// How long one attempt to hear from the guest may take.
const ATTEMPT: Duration = Duration::from_secs(2);
/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(500);
/// How long the console is looked at for keys, once the guest answers: cloud-init prints them last.
const KEYS_WITHIN: Duration = Duration::from_secs(30);
/// The users of images that do not say theirs, by the distribution.
const USERS: &[(&str, &str)] = &[
    ("cirros", "cirros"),
    ("debian", "debian"),
    ("ubuntu", "ubuntu"),
    ("fedora", "fedora"),
    ("centos", "cloud-user"),
    ("rocky", "rocky"),
    ("alma", "almalinux"),
    ("rhel", "cloud-user"),
    ("suse", "opensuse"),
    ("arch", "arch"),
    ("alpine", "alpine"),
];

/// The options of `vm ssh`.
#[derive(Debug, Args)]
pub struct Ssh {
    /// Name or id
    vm: String,
    /// The user [default: the image's own]
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,
    /// The private key [default: the one that `keypair create` kept, or ssh's own]
    #[arg(short, long, visible_alias = "private-key", value_name = "FILE")]
    identity: Option<PathBuf>,
    /// The port
    #[arg(short, long, default_value_t = 22)]
    port: u16,
    /// The longest time to wait until it answers, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    /// Go to one of its addresses, not through the cloud's API
    #[arg(long)]
    direct: bool,
    /// Where it has printed no host keys on its console, trust those that it shows first
    #[arg(long)]
    accept_new: bool,
    /// What to run in it [default: a shell]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Ssh {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let server = VM.find(&session.client, &self.vm).await?;
        // The list leaves some of what one has to a request for that one.
        let server = VM.get(&session.client, &text(&server, "/id")).await?;
        runs(&server)?;
        let user = match &self.user {
            Some(user) => user.clone(),
            None => default_user(session, &server).await?,
        };
        let way = self.way(session, &server).await?;
        let way = self.reach(session, &server, way).await?;
        let known = self.known(session, &server).await?;
        let error = self.command(session, &server, &user, &way, &known)?.exec();
        Err(match error.kind() {
            std::io::ErrorKind::NotFound => {
                Problem::failed("there is no ssh on this computer").hint("install openssh-client")
            }
            _ => Problem::io("cannot run ssh", &error),
        })
    }

    /// How it can be reached.
    async fn way(&self, session: &Session, server: &Value) -> Result<Way> {
        if !self.direct {
            match tunnel::url(session, &text(server, "/id"), self.port).await {
                Ok(url) => return Ok(Way::Tunnel(url)),
                // Another cloud, which has none.
                Err(problem) if problem.kind == Kind::NotFound => {}
                Err(problem) => return Err(problem),
            }
        }
        let addresses: Vec<SocketAddr> =
            addresses(server).into_iter().map(|ip| SocketAddr::new(ip, self.port)).collect();
        if addresses.is_empty() {
            return Err(Problem::failed(format!("VM {} has no address", text(server, "/name")))
                .hint("it may be without a network, or still in the making"));
        }
        Ok(Way::Direct(addresses))
    }

    /// Waits until an SSH server greets at the end of `way`; of several addresses the one that did is left.
    async fn reach(&self, session: &Session, server: &Value, way: Way) -> Result<Way> {
        let deadline = Instant::now() + Duration::from_secs(self.timeout);
        let mut progress = None;
        loop {
            let last = match attempt(session, &way).await {
                Ok(Some(way)) => return Ok(way),
                Ok(None) => format!("nobody answers at {}", way.name()),
                Err(problem) if matches!(problem.kind, Kind::NotAllowed | Kind::Unreachable) => return Err(problem),
                Err(problem) => problem.text,
            };
            if Instant::now() > deadline {
                let problem = Problem::failed(format!("{last}, after {} s", self.timeout));
                return Err(problem.hint(format!(
                    "`cloudbox vm log {}` shows what the guest does; `cloudbox security-group allow default --protocol tcp --port {}` lets SSH in",
                    text(server, "/name"),
                    self.port
                )));
            }
            let progress = progress.get_or_insert_with(|| Progress::spinner(session.out, text(server, "/name")));
            progress.state("waiting for SSH");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The file with the host's keys, and how strictly ssh is to take it.
    async fn known(&self, session: &Session, server: &Value) -> Result<Known> {
        let id = text(server, "/id");
        let file = local_keys::known_hosts(&id)?;
        let deadline = Instant::now() + KEYS_WITHIN;
        let mut progress = None;
        loop {
            let keys = match console::read(session, &id, None).await {
                Ok(log) => host_keys::printed(&log),
                // Not everybody who may log in may see the console.
                Err(problem) if problem.kind != Kind::Unreachable => Vec::new(),
                Err(problem) => return Err(problem),
            };
            if !keys.is_empty() {
                let written = std::fs::write(&file, host_keys::known_hosts(&id, &keys));
                written.map_err(|error| Problem::io(&format!("cannot write {}", file.display()), &error))?;
                return Ok(Known { file, strict: "yes" });
            }
            if std::fs::metadata(&file).is_ok_and(|meta| meta.len() > 0) {
                return Ok(Known { file, strict: "yes" });
            }
            if self.accept_new {
                return Ok(Known { file, strict: "accept-new" });
            }
            if Instant::now() > deadline {
                let text = format!(
                    "{} has printed no host keys on its console: nobody knows whether it is itself that answers",
                    self.vm
                );
                return Err(Problem::failed(text)
                    .hint("--accept-new trusts the key that it shows first, and knows it from then on"));
            }
            let progress = progress.get_or_insert_with(|| Progress::spinner(session.out, self.vm.clone()));
            progress.state("waiting for its host keys on the console");
            tokio::time::sleep(PAUSE * 4).await;
        }
    }

    fn command(&self, session: &Session, server: &Value, user: &str, way: &Way, known: &Known) -> Result<Command> {
        let mut command = Command::new("ssh");
        let id = text(server, "/id");
        for option in [
            format!("StrictHostKeyChecking={}", known.strict),
            // In quotes, or a space in it would begin another file.
            format!("UserKnownHostsFile=\"{}\"", known.file.display()),
            "GlobalKnownHostsFile=/dev/null".to_owned(),
            // Addresses come back with other guests: a host's key belongs to the server, not to its address.
            format!("HostKeyAlias={id}"),
            "CheckHostIP=no".to_owned(),
            "ConnectTimeout=20".to_owned(),
            // A tunnel through which nothing goes is closed.
            "ServerAliveInterval=60".to_owned(),
            "LogLevel=ERROR".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        let host = match way {
            Way::Tunnel(_) => {
                command.args(["-o", &format!("ProxyCommand={}", self.proxy(session, &id)?)]);
                id.clone()
            }
            Way::Direct(addresses) => addresses.first().map(|address| address.ip().to_string()).unwrap_or_default(),
        };
        let kept = || {
            let key = text(server, "/key_name");
            local_keys::private_key(&key).ok().filter(|path| !key.is_empty() && path.exists())
        };
        if let Some(identity) = self.identity.clone().or_else(kept) {
            command.args(["-o", "IdentitiesOnly=yes", "-i"]).arg(identity);
        }
        command.args(["-p", &self.port.to_string(), "-l", user, "--"]).arg(host).args(&self.command);
        Ok(command)
    }

    /// This very program, as the command that ssh talks through.
    fn proxy(&self, session: &Session, id: &str) -> Result<String> {
        let own = std::env::current_exe().map_err(|error| Problem::io("cannot find out where I am", &error))?;
        let mut words = vec![own.display().to_string()];
        words.extend(session.cloud_options.iter().cloned());
        words.extend(["vm", "tunnel", id, &self.port.to_string()].map(str::to_owned));
        // ssh replaces what follows a %, and the user's shell reads it then.
        Ok(words.iter().map(|word| openrc::quoted(&word.replace('%', "%%"))).collect::<Vec<_>>().join(" "))
    }
}

/// How a guest is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    /// Through the cloud's API: the URL of a WebSocket.
    Tunnel(String),
    /// At one of these.
    Direct(Vec<SocketAddr>),
}

impl Way {
    fn name(&self) -> String {
        match self {
            Self::Tunnel(_) => "the end of the tunnel".to_owned(),
            Self::Direct(addresses) => addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        }
    }
}

/// What is known of a host's keys.
#[derive(Debug)]
struct Known {
    file: PathBuf,
    strict: &'static str,
}

/// Fails for a server of which it is known that nobody can answer.
fn runs(server: &Value) -> Result<()> {
    let (name, status) = (text(server, "/name"), text(server, "/status"));
    match status.as_str() {
        "SHUTOFF" => {
            Err(Problem::failed(format!("VM {name} is {status}")).hint(format!("`cloudbox vm start {name}` starts it")))
        }
        "ERROR" | "PAUSED" | "SUSPENDED" => Err(Problem::failed(format!("VM {name} is {status}"))),
        _ => Ok(()),
    }
}

/// The way on which an SSH server says hello, if one does: a port may be open before anyone listens behind it.
async fn attempt(session: &Session, way: &Way) -> Result<Option<Way>> {
    match way {
        Way::Tunnel(url) => {
            let mut socket = session.client.socket(url).await?;
            let hello = timeout(ATTEMPT, socket::some(&mut socket)).await;
            let greets = matches!(hello, Ok(Ok(hello)) if hello.starts_with(b"SSH-"));
            Ok(greets.then(|| way.clone()))
        }
        Way::Direct(addresses) => {
            for address in addresses {
                if greets(*address).await {
                    return Ok(Some(Way::Direct(vec![*address])));
                }
            }
            Ok(None)
        }
    }
}

/// Whether an SSH server says hello: a port may be open before anyone listens behind it.
async fn greets(address: SocketAddr) -> bool {
    let hello = async {
        let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
        let mut hello = [0; 4];
        stream.read_exact(&mut hello).await.ok()?;
        Some(&hello == b"SSH-")
    };
    matches!(timeout(ATTEMPT, hello).await, Ok(Some(true)))
}

/// The addresses of `server`, the likeliest to be reached first: floating ones, then IPv4.
fn addresses(server: &Value) -> Vec<IpAddr> {
    let networks = server.get("addresses").and_then(Value::as_object).into_iter().flatten();
    let all = networks.flat_map(|(_, addresses)| addresses.as_array().into_iter().flatten());
    let mut found: Vec<(bool, IpAddr)> = all
        .filter_map(|address| {
            Some((text(address, "/OS-EXT-IPS:type") != "floating", text(address, "/addr").parse().ok()?))
        })
        .collect();
    found.sort_by_key(|(fixed, ip)| (*fixed, ip.is_ipv6()));
    found.into_iter().map(|(_, ip)| ip).collect()
}

async fn default_user(session: &Session, server: &Value) -> Result<String> {
    let id = text(server, "/image/id");
    let image = if id.is_empty() { Ok(Value::Null) } else { IMAGE.get(&session.client, &id).await };
    let image = match image {
        // The image may have been deleted since.
        Err(problem) if problem.kind == Kind::NotFound => Value::Null,
        image => image?,
    };
    user_of(&image).ok_or_else(|| {
        Problem::usage("the image does not say who may log in")
            .hint("say it with --user, or once and for all with the image's property os_admin_user")
    })
}

fn user_of(image: &Value) -> Option<String> {
    let told = text(image, "/os_admin_user");
    if !told.is_empty() {
        return Some(told);
    }
    [text(image, "/os_distro"), text(image, "/name")].iter().find_map(|clue| {
        let clue = clue.to_lowercase();
        USERS.iter().find(|(distribution, _)| clue.contains(distribution)).map(|(_, user)| (*user).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[test]
    fn the_address_that_is_likeliest_to_be_reached_is_first() {
        let server = json!({"addresses": {
            "a": [{"addr": "fd00::5", "OS-EXT-IPS:type": "fixed"}, {"addr": "10.0.0.5", "OS-EXT-IPS:type": "fixed"}],
            "b": [{"addr": "10.1.0.5"}, {"addr": "192.0.2.9", "OS-EXT-IPS:type": "floating"}],
        }});
        let found: Vec<String> = addresses(&server).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.9", "10.0.0.5", "10.1.0.5", "fd00::5"]);
    }

    #[test]
    fn the_image_says_who_may_log_in() {
        let user = |image: Value| user_of(&image);
        assert_eq!(user(json!({"os_admin_user": "root", "os_distro": "debian"})).as_deref(), Some("root"));
        assert_eq!(user(json!({"os_distro": "Ubuntu"})).as_deref(), Some("ubuntu"));
        assert_eq!(user(json!({"name": "Debian 12 (bookworm)"})).as_deref(), Some("debian"));
        assert_eq!(user(json!({"name": "mine"})), None);
    }

    #[tokio::test]
    async fn only_an_ssh_server_greets() {
        for (hello, greeted) in [(&b"SSH-2.0-dropbear\r\n"[..], true), (b"HTTP/1.1", false), (b"", false)] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(hello).await.unwrap();
            };
            let (answer, ()) = tokio::join!(greets(address), server);
            assert_eq!(answer, greeted, "{hello:?}");
        }
    }
}
