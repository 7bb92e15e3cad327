//! `vm ssh`: finds where the guest is reached, waits until it answers, and becomes `ssh`.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, timeout};

use crate::cli::local_keys;
use crate::cli::output::text;
use crate::cli::problem::{Kind, Problem, Result};
use crate::cli::progress::Progress;
use crate::cli::resolve::{IMAGE, VM};
use crate::cli::session::Session;

/// How long one attempt to hear from the guest may take.
const ATTEMPT: Duration = Duration::from_secs(2);
/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(250);
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
    /// What to run in it [default: a shell]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Ssh {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let server = VM.find(&session.client, &self.vm).await?;
        // The list leaves some of what one has to a request for that one.
        let server = VM.get(&session.client, &text(&server, "/id")).await?;
        let addresses = self.addresses(&server)?;
        let user = match &self.user {
            Some(user) => user.clone(),
            None => default_user(session, &server).await?,
        };
        let address = self.reach(session, &server, &addresses).await?;
        let error = self.command(&server, &user, address)?.exec();
        Err(match error.kind() {
            std::io::ErrorKind::NotFound => {
                Problem::failed("there is no ssh on this computer").hint("install openssh-client")
            }
            _ => Problem::io("cannot run ssh", &error),
        })
    }

    fn addresses(&self, server: &Value) -> Result<Vec<SocketAddr>> {
        let (name, status) = (text(server, "/name"), text(server, "/status"));
        if matches!(status.as_str(), "SHUTOFF" | "ERROR" | "PAUSED" | "SUSPENDED") {
            let problem = Problem::failed(format!("VM {name} is {status}"));
            return Err(if status == "SHUTOFF" {
                problem.hint(format!("`cloudbox vm start {name}` starts it"))
            } else {
                problem
            });
        }
        let addresses: Vec<SocketAddr> =
            addresses(server).into_iter().map(|ip| SocketAddr::new(ip, self.port)).collect();
        if addresses.is_empty() {
            return Err(Problem::failed(format!("VM {name} has no address"))
                .hint("it may be without a network, or still in the making"));
        }
        Ok(addresses)
    }

    /// The first of `addresses` where an SSH server greets.
    async fn reach(&self, session: &Session, server: &Value, addresses: &[SocketAddr]) -> Result<SocketAddr> {
        let deadline = Instant::now() + Duration::from_secs(self.timeout);
        let mut progress = None;
        loop {
            for address in addresses {
                if greets(*address).await {
                    return Ok(*address);
                }
            }
            if Instant::now() > deadline {
                let places: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                let problem =
                    Problem::failed(format!("nothing answers at {} after {} s", places.join(", "), self.timeout));
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

    fn command(&self, server: &Value, user: &str, address: SocketAddr) -> Result<Command> {
        let mut command = Command::new("ssh");
        // Addresses come back with other guests: a host's key belongs to the server, not to its address.
        let known = local_keys::known_hosts()?;
        for option in [
            "StrictHostKeyChecking=accept-new".to_owned(),
            // In quotes, or a space in it would begin another file.
            format!("UserKnownHostsFile=\"{}\"", known.display()),
            format!("HostKeyAlias={}", text(server, "/id")),
            "CheckHostIP=no".to_owned(),
            "ConnectTimeout=20".to_owned(),
            "LogLevel=ERROR".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        let kept = || {
            let key = text(server, "/key_name");
            local_keys::private_key(&key).ok().filter(|path| !key.is_empty() && path.exists())
        };
        if let Some(identity) = self.identity.clone().or_else(kept) {
            command.args(["-o", "IdentitiesOnly=yes", "-i"]).arg(identity);
        }
        command
            .args(["-p", &self.port.to_string(), "-l", user, "--"])
            .arg(address.ip().to_string())
            .args(&self.command);
        Ok(command)
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
