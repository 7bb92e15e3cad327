//! The `cloudbox` command as a person types it: the real binary, against a cloud of its own on fake drivers.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "cli/recorded.rs"]
mod recorded;
#[path = "cli/sources.rs"]
mod sources;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// How long the cloud may take to start.
const START: Duration = Duration::from_secs(60);

struct Cloud {
    dir: TempDir,
    process: Child,
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// What came of a command.
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Done {
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    #[track_caller]
    fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self.err
    }
}

impl Cloud {
    fn start() -> Self {
        Self::start_with("")
    }

    /// A cloud that is set up as `settings` say.
    fn start_with(settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cloudbox.toml");
        std::fs::write(&file, settings).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_cloudbox"))
            .args(["serve", "--listen", "127.0.0.1:0", "--hypervisor", "fake", "--network", "fake", "--data-dir"])
            .arg(dir.path().join("data"))
            .arg("--config")
            .arg(file)
            .env_clear()
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        let (ready, is_ready) = mpsc::sync_channel(1);
        // It ends with the process, whose log it keeps from filling the pipe.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if line.starts_with("cloudbox is ready at ") {
                    ready.send(()).unwrap();
                }
            }
        });
        let cloud = Self { dir, process };
        is_ready.recv_timeout(START).expect("cloudbox serve did not get ready");
        cloud
    }

    /// Runs `cloudbox` with the words of `line` for the administrator of this cloud.
    fn cli(&self, line: &str) -> Done {
        let data_dir = self.dir.path().join("data");
        self.run(&format!("--data-dir {} {line}", data_dir.display()), &[])
    }

    fn run(&self, line: &str, env: &[(&str, &str)]) -> Done {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_cloudbox"))
            .args(line.split_whitespace())
            .env_clear()
            .envs([("HOME", self.home().to_str().unwrap()), ("USER", "ann")])
            .envs(env.iter().copied())
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
    }

    fn home(&self) -> &Path {
        self.dir.path()
    }

    /// Uploads an image of `mib` MiB.
    fn image(&self, name: &str, mib: u64) -> String {
        let file = std::fs::File::create(self.dir.path().join("disk.raw")).unwrap();
        file.set_len(mib << 20).unwrap();
        self.cli(&format!("image create {name} --file disk.raw -q")).ok().trim().to_owned()
    }
}

fn field<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value:#}"))
}

#[test]
fn a_vm_from_its_name_alone_to_its_end() {
    let cloud = Cloud::start();
    assert!(cloud.cli("vm create web").fails(3).contains("`cloudbox image pull debian-13` gets one"));
    let image = cloud.image("tiny", 3);
    std::fs::create_dir(cloud.home().join(".ssh")).unwrap();
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHXRIMmYRshFxiKd1N6TTmgcR+vCSjwD0fPTX7Xrvt7t ann@here\n";
    std::fs::write(cloud.home().join(".ssh/id_ed25519.pub"), key).unwrap();

    let made = cloud.cli("vm create web -o json");
    for told in ["using the image tiny", "using the flavor m1.nano", "as the key ann", "web: active ("] {
        assert!(made.err.contains(told), "{told:?} in {}", made.err);
    }
    let server = made.json();
    assert_eq!(
        [field(&server, "/status"), field(&server, "/image/id"), field(&server, "/key_name")],
        ["ACTIVE", &image, "ann"]
    );
    let id = field(&server, "/id");

    let listed = cloud.cli("vm list").ok();
    let row: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!((row[0], row[1], row[3], row[4]), ("web", "ACTIVE", "m1.nano", id));
    assert_eq!(cloud.cli("vm list -o name").ok(), "web\n");
    assert_eq!(cloud.cli("vm ls -q").ok(), format!("{id}\n"));

    cloud.cli("vm stop web").ok();
    assert_eq!(field(&cloud.cli("vm show web -o json").json(), "/status"), "SHUTOFF");
    assert!(cloud.cli("vm ssh web").fails(1).contains("`cloudbox vm start web` starts it"));
    cloud.cli(&format!("vm start {id}")).ok();
    cloud.cli("vm reboot web --hard").ok();
    assert!(cloud.cli("vm log web").ok().contains("fake"));
    assert_eq!(cloud.cli("vm log web --lines 1").ok().lines().count(), 1);
    assert!(cloud.cli("vm console web --url").ok().starts_with("http://127.0.0.1:"));

    cloud.cli("vm delete web").ok();
    assert_eq!(cloud.cli("vm list -q").ok(), "");
    assert!(cloud.cli("vm delete web").fails(3).starts_with("cloudbox: there is no VM named web\n"));
}

#[test]
fn a_port_of_a_vm_is_reached_through_the_api_alone() {
    let cloud = Cloud::start();
    cloud.image("tiny", 1);
    std::fs::write(cloud.dir.path().join("bad.yaml"), "packages: [nginx]\n").unwrap();
    assert!(cloud.cli("vm create web --key none --cloud-init bad.yaml").fails(2).contains("cloud-init does not know"));
    cloud.cli("vm create web --key none").ok();
    // The guests of the fake network greet, and say after one what one says: here, nothing.
    assert_eq!(cloud.cli("vm tunnel web 22").ok(), "SSH-2.0-fake\r\n");
    assert!(cloud.cli("vm tunnel we 1").fails(1).contains("Nobody answers at port 1 of the server."));
    assert!(cloud.cli("vm console web --url serial").ok().starts_with("ws://127.0.0.1:"));
    let recorded = cloud.cli("audit --target web").ok() + &cloud.cli("audit --action create").ok();
    assert!(recorded.contains("tunnel"), "{recorded}");
    cloud.cli("vm stop web").ok();
    assert!(cloud.cli("vm tunnel web 22").fails(1).contains("not ready"));
}

#[test]
fn nouns_that_are_described_and_what_is_printed_of_them() {
    let cloud = Cloud::start();
    cloud.cli("project create shop --description Shoes").ok();
    let user = cloud.cli("user create ann --password secret-1 --project shop -o json").json();
    cloud.cli("role grant member --user ann --project shop").ok();
    let roles = cloud.cli("role-assignment list --user ann --columns role,project --no-headers").ok();
    assert_eq!(roles, "member  shop\n");
    let id = field(&user, "/id");
    assert_eq!(cloud.cli(&format!("user show {} --columns name --no-headers", &id[..8])).ok(), "ann\n");
    assert!(cloud.cli("user delete an").fails(3).contains("there is no user named an"));
    let names =
        cloud.cli("project list --sort -name --filter name!=admin --filter name!=service -o json --columns name");
    assert_eq!(names.json()[0], serde_json::json!({"name": "shop"}));
    assert!(cloud.cli("project list --sort colour").fails(2).contains("there is no column colour"));
    assert!(cloud.cli("user set ann").fails(2).contains("there is nothing to change"));
    cloud.cli("user set ann --disable --email ann@example.org").ok();
    assert_eq!(cloud.cli("user show ann --columns enabled,email --no-headers").ok(), "no\nann@example.org\n");
    for list in
        ["domain", "region", "service", "endpoint", "role", "router", "subnet", "port", "floating-ip", "hypervisor"]
    {
        cloud.cli(&format!("{list} list -o wide")).ok();
    }
    for list in
        ["compute-service", "availability-zone", "network-agent", "volume-type", "volume-attachment", "server-group"]
    {
        cloud.cli(&format!("{list} list -o wide")).ok();
    }
    for list in ["trust", "credential", "limit", "registered-limit", "application-credential", "access-rule", "mapping"]
    {
        cloud.cli(&format!("{list} list -o json")).json();
    }
    cloud.cli("user delete ann").ok();
    assert!(cloud.cli("vm stop web --watch").fails(2).contains("--watch goes with list and show"));
    assert!(cloud.cli("help exit-codes").ok().contains("nobody answers"));
}

#[test]
fn a_boot_is_traced_in_sixteen_steps() {
    let cloud = Cloud::start();
    cloud.image("tiny", 1);
    cloud.cli("volume create data --size 1").ok();
    let made = cloud.cli("vm create web --key none --volume data");
    let told: Vec<&str> = made.err.lines().filter(|line| line.starts_with("web: B")).collect();
    assert!(told.len() > 8 && told[0].starts_with("web: B1 credentials for a token ("), "{}", made.err);
    made.ok();
    let trace = cloud.cli("vm trace web -o json").json();
    let steps = trace["steps"].as_array().unwrap();
    let names: Vec<&str> = steps.iter().map(|step| field(step, "/step")).collect();
    assert_eq!(names, (1..=16).map(|n| format!("B{n}")).collect::<Vec<_>>());
    let not_ok: Vec<&Value> = steps.iter().filter(|step| step["result"] != "ok").collect();
    assert!(not_ok.is_empty(), "{not_ok:#?}");
    let table = cloud.cli("vm trace web").ok();
    assert!(table.starts_with("STEP  SERVICE") && table.contains("16 of 16 steps, "), "{table}");

    let attached = cloud.cli("volume show data -o json").json();
    assert_eq!(field(&attached, "/status"), "in-use");
    cloud.cli("volume detach data").ok();
    cloud.cli("volume attach data web").ok();
    cloud.cli("vm delete web").ok();
    cloud.cli("volume delete data").ok();
}

#[test]
fn a_vm_that_cannot_be_built_says_why() {
    let cloud = Cloud::start();
    std::fs::write(cloud.dir.path().join("disk.raw"), [0; 4096]).unwrap();
    cloud.cli("image create big --file disk.raw --min-disk 2").ok();
    cloud.cli("flavor create small --ram 64 --disk 1").ok();
    let told = cloud.cli("vm create web --flavor small --key none").fails(1);
    assert!(told.contains("disk is smaller than the minimum"), "{told}");
    // By itself it takes one that fits.
    assert!(cloud.cli("vm create web --key none").err.contains("using the flavor m1.small"));
    cloud.cli("flavor create wide --ram 64 --disk 9000000").ok();
    let told = cloud.cli("vm create wide --flavor wide --key none").fails(1);
    assert!(told.contains("VM wide failed: No valid host was found"), "{told}");
    assert!(told.contains("`cloudbox vm trace "), "{told}");
    assert!(told.contains("wide: B6 the request waits") && told.contains("\n  at step B"), "{told}");
    assert!(cloud.cli("vm create x --key nobody").fails(3).contains("there is no key named nobody"));
    assert!(cloud.cli("vm create x --flavor nope").fails(3).contains("`cloudbox flavor list` shows what there is"));
}

#[test]
fn several_are_made_and_removed_at_once() {
    let cloud = Cloud::start();
    cloud.image("tiny", 1);
    let made = cloud.cli("vm create many --count 3 --key none -q").ok();
    assert_eq!(made.lines().count(), 3);
    assert_eq!(cloud.cli("vm list -o name").ok().lines().count(), 3);
    let told = cloud.cli("vm delete many-1 nope many-2 many-3").fails(3);
    assert!(told.contains("there is no VM named nope"), "{told}");
    assert_eq!(cloud.cli("vm list -q").ok(), "");
}

#[test]
fn keys_networks_groups_and_images_are_kept() {
    let cloud = Cloud::start();
    cloud.cli("keypair create mine").ok();
    let kept = std::fs::read_to_string(cloud.home().join(".local/share/cloudbox/keys/mine")).unwrap();
    assert!(kept.contains("PRIVATE KEY"), "{kept}");
    assert!(!cloud.cli("keypair show mine -o json").ok().contains("PRIVATE"));
    assert!(cloud.cli("keypair create mine").fails(1).contains("is there already"));

    cloud.cli("network create inner --subnet 10.9.0.0/24").ok();
    assert!(
        cloud.cli("network list").ok().lines().any(|line| line.starts_with("inner ") && line.contains("10.9.0.0/24"))
    );
    assert!(cloud.cli("network create bad --subnet nonsense").fails(1).contains("nonsense"));
    assert!(!cloud.cli("network list -o name").ok().contains("bad"));
    cloud.cli("network delete inner").ok();

    let allow = "security-group allow default --protocol tcp --port 22 -q";
    let rule = cloud.cli(allow).ok();
    assert_eq!(cloud.cli(allow).ok(), rule);
    cloud.cli(&format!("security-group revoke {}", rule.trim())).ok();

    let (first, second) = (cloud.image("twin", 1), cloud.image("twin", 1));
    let told = cloud.cli("image show twin").fails(2);
    assert!(told.contains(&first) && told.contains(&second), "{told}");
    let told = cloud.cli("image create bad --file disk.raw --disk-format qcow2").fails(1);
    assert!(told.contains("qcow2"), "{told}");
    assert_eq!(cloud.cli("image list -o name").ok(), "twin\ntwin\n");
}

#[test]
fn credentials_come_from_where_clients_keep_them() {
    let cloud = Cloud::start();
    let file = cloud.home().join("data/clouds.yaml");
    let named = [("OS_CLIENT_CONFIG_FILE", file.to_str().unwrap()), ("OS_CLOUD", "cloudbox")];
    cloud.run("network list", &named).ok();
    let exports = cloud.cli("openrc").ok();
    let variables: Vec<(&str, &str)> = exports
        .lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name, value.trim_matches('\'')))
        .collect();
    cloud.run("network list", &variables).ok();

    let wrong: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (*name, if *name == "OS_PASSWORD" { "wrong" } else { value })).collect();
    assert!(cloud.run("vm list", &wrong).fails(4).contains("does not accept this user, password or project"));
    assert!(
        cloud.run("--data-dir nowhere vm list", &[]).fails(4).contains("`cloudbox serve --data-dir nowhere` writes it")
    );
    let gone = [("OS_AUTH_URL", "http://127.0.0.1:1/v3"), ("OS_USERNAME", "a"), ("OS_PASSWORD", "b")];
    assert!(cloud.run("vm list", &gone).fails(5).contains("is `cloudbox serve` running?"));
    cloud.run("vm lst", &[]).fails(2);
}

#[test]
fn who_one_is_is_shown_in_several_ways() {
    let cloud = Cloud::start();
    let exports = cloud.cli("openrc").ok();
    let url = exports.lines().find_map(|line| line.strip_prefix("export OS_AUTH_URL=")).unwrap();
    let token = cloud.cli("token create -q").ok();
    let by_token = [("OS_AUTH_URL", url), ("OS_TOKEN", token.trim())];
    cloud.run("network list", &by_token).ok();
    assert_eq!(field(&cloud.cli(&format!("token show {} -o json", token.trim())).json(), "/project/name"), "admin");
    cloud.cli(&format!("token revoke {}", token.trim())).ok();
    assert!(cloud.run("network list", &by_token).fails(4).contains("does not accept this token"));

    let made = cloud.cli("application-credential create ci --role reader -o json").json();
    let credential = |secret| {
        [
            ("OS_AUTH_URL", url),
            ("OS_AUTH_TYPE", "v3applicationcredential"),
            ("OS_APPLICATION_CREDENTIAL_ID", field(&made, "/id")),
            ("OS_APPLICATION_CREDENTIAL_SECRET", secret),
        ]
    };
    let (right, wrong) = (credential(field(&made, "/secret")), credential("wrong"));
    cloud.run("vm list", &right).ok();
    assert!(cloud.run("network create mine", &right).fails(4).contains("create_network"));
    assert!(cloud.run("vm list", &wrong).fails(4).contains("application credential or its secret"));

    let whole = cloud.cli("token show --os-system-scope all -o json").json();
    assert_eq!(whole["system"]["all"], true);
    cloud.cli("project create shop").ok();
    assert!(cloud.cli("vm list --os-project-name shop").fails(4).contains("does not accept this user"));
    cloud.cli("role grant member --user admin --project shop").ok();
    cloud.cli("vm list --os-project-name shop").ok();
    assert!(cloud.cli("catalog show compute").ok().contains("/compute/v2.1"));
}

#[test]
fn quotas_of_all_services_are_one_table() {
    let cloud = Cloud::start();
    let told = cloud.cli("quota set admin cores=7 elephants=1").fails(3);
    assert!(told.contains("there is no quota of elephants") && told.contains("gigabytes"), "{told}");
    let of = |line: &str, resource: &str| {
        let rows = cloud.cli(&format!("{line} --filter resource={resource} --columns limit --no-headers")).ok();
        rows.trim().to_owned()
    };
    let before = of("quota show", "cores");
    assert_ne!(before, "7");
    cloud.cli("quota set admin cores=7 volumes=-1 router=3").ok();
    assert_eq!(["cores", "volumes", "router"].map(|name| of("quota show admin", name)), ["7", "none", "3"]);
    assert_eq!(of("quota show --defaults", "cores"), before);
    cloud.cli("quota reset admin").ok();
    assert_eq!(of("quota show", "cores"), before);

    cloud.cli("registered-limit create servers --default 9 --service compute").ok();
    let limit = cloud.cli("limit create servers --limit 3 --service nova --project admin -o json").json();
    assert_eq!(limit["resource_limit"], 3);
    cloud.cli(&format!("limit delete {}", field(&limit, "/id"))).ok();
    assert_eq!(cloud.cli("limit model -o json").json()["name"], "flat");
    cloud.cli("endpoint-group create inner --match interface=internal").ok();
    assert!(cloud.cli("endpoint-group endpoints inner -o json").json().as_array().unwrap().len() > 3);
    let host = cloud.cli("hypervisor list -o json").json()[0]["hypervisor_hostname"].as_str().unwrap().to_owned();
    assert!(cloud.cli(&format!("resource-provider inventories {host}")).ok().contains("VCPU"));
    assert_eq!(cloud.cli(&format!("hypervisor show {host} -o name")).code, 0);
}

#[test]
fn the_keys_of_tokens_are_rotated_beside_a_running_cloud() {
    let cloud = Cloud::start();
    let file = cloud.dir.path().join("data/keys/tokens.json");
    let keys = || {
        let keys: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        keys["keys"].as_array().unwrap().len()
    };
    assert_eq!(keys(), 1);
    let told = cloud.cli("identity rotate-keys");
    assert!(told.err.contains("a new key seals tokens; 2 in use"), "{}", told.err);
    told.ok();
    assert_eq!(keys(), 2);
    cloud.cli("network list").ok();
    cloud.cli("identity rotate-keys --end-all-tokens").ok();
    assert_eq!(keys(), 1);
    let nowhere = cloud.run("identity rotate-keys --data-dir nowhere", &[]).fails(3);
    assert!(nowhere.contains("there is no cloud in nowhere"), "{nowhere}");
    assert!(!cloud.dir.path().join("nowhere").exists());
}
