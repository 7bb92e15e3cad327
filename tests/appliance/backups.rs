//! Backups of a cloud that runs, restored into an empty directory: the same answers, and the restored images boot.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cloudbox::appliance::Appliance;
use cloudbox::backup::{self, BackupError, Plan};
use kit::Timestamp;
use serde_json::{Value, json};

use crate::client::Client;
use crate::full_disk::{small_disk, with_mounts};
use crate::scenery::{self, SERVERS, becomes, volume_becomes};
use crate::world::{self, id_of, within};

/// A cloud on fake guests and networks, with volumes that are files.
struct Cloud {
    appliance: Appliance,
    directory: PathBuf,
    admin: Client,
}

impl Cloud {
    async fn start(directory: &Path) -> Self {
        let mut config = world::config(directory);
        config.volume.driver = "file".to_owned();
        let appliance = within("the cloud to start", Appliance::start(config)).await.unwrap();
        let user =
            json!({ "name": "admin", "domain": { "id": "default" }, "password": world::admin_password(directory) });
        let scope = json!({ "project": { "name": "admin", "domain": { "id": "default" } } });
        let admin = Client::new(appliance.public_url()).log_in(&user, Some(scope)).await;
        Self { appliance, directory: directory.to_owned(), admin }
    }

    async fn volume(&self, name: &str) -> String {
        let body = json!({ "volume": { "size": 1, "name": name } });
        let id = id_of(&self.admin.post("/volume/v3/volumes", body).await.expect(202)["volume"]);
        volume_becomes(&self.admin, &id, "available").await;
        id
    }

    async fn boot(&self, name: &str, image: &str) -> String {
        let network = self.admin.get("/network/v2.0/networks?name=default").await.expect(200);
        let network = id_of(&network["networks"][0]);
        let server = json!({ "name": name, "imageRef": image, "flavorRef": "1", "networks": [{ "uuid": network }] });
        let server = id_of(&self.admin.post(SERVERS, json!({ "server": server })).await.expect(202)["server"]);
        becomes(&self.admin, &server, "ACTIVE").await;
        server
    }

    /// What lists answer; links have the port in them.
    async fn lists(&self) -> Vec<Value> {
        let mut lists = Vec::new();
        for path in ["/image/v2/images", "/network/v2.0/networks", "/volume/v3/volumes", "/identity/v3/users", SERVERS]
        {
            let text = self.admin.get(path).await.expect(200).to_string();
            let port = self.appliance.public_url().to_owned();
            lists.push(serde_json::from_str(&text.replace(&port, "")).unwrap());
        }
        lists
    }

    /// A backup without what has to be asked for, or with `all`.
    fn plan(&self, file: &Path, all: bool) -> Plan {
        let (data_dir, host, now) = (self.directory.clone(), "host-1".to_owned(), Timestamp::UNIX_EPOCH);
        Plan { data_dir, file: file.to_owned(), config: None, volumes: all, servers: all, host, now }
    }

    async fn back_up(&self, file: &Path, all: bool) -> Result<backup::Manifest, BackupError> {
        let plan = self.plan(file, all);
        tokio::task::spawn_blocking(move || backup::create(&plan)).await.unwrap()
    }
}

/// The files of the images that the database in `data_dir` knows.
fn image_files(data_dir: &Path) -> BTreeSet<String> {
    let known = store::look(&data_dir.join("cloudbox.db"), |db| image::files(db, data_dir)).unwrap();
    known.iter().map(|path| path.strip_prefix(data_dir).unwrap().to_str().unwrap().to_owned()).collect()
}

fn paths(manifest: &backup::Manifest) -> Vec<&str> {
    manifest.files.iter().map(|file| file.path.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_cloud_answers_the_same_and_boots_from_its_images() {
    let parent = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(&parent.path().join("old")).await;
    let image = scenery::image(&cloud.admin, "disk").await;
    let volume = cloud.volume("data").await;
    std::fs::write(cloud.directory.join("policy.yaml"), "# nothing\n").unwrap();
    let data = cloud.directory.join("volumes").join(&volume);
    let size = std::fs::metadata(&data).unwrap().len();
    {
        use std::os::unix::fs::FileExt as _;
        std::fs::File::options().write(true).open(&data).unwrap().write_all_at(b"precious", 300_000).unwrap();
    }
    let server = cloud.boot("before", &image).await;
    let disk_file = format!("instances/{server}/disk");
    std::fs::write(cloud.directory.join(&disk_file), "what the guest wrote").unwrap();
    let file = parent.path().join("backup");
    let manifest = cloud.back_up(&file, true).await.unwrap();
    let found = paths(&manifest);
    let volume_file = format!("volumes/{volume}");
    let image_file = image_files(&cloud.directory).pop_first().unwrap();
    for wanted in [
        "cloud-id",
        "clouds.yaml",
        "keys/tokens.json",
        "policy.yaml",
        "cloudbox.db",
        &image_file,
        &volume_file,
        &disk_file,
    ] {
        assert!(found.contains(&wanted), "no {wanted} in {found:?}");
    }
    assert!(found.iter().any(|path| path.starts_with("image-cache/")), "what the disk lies on: {found:?}");
    assert!(backup::left_out(&cloud.plan(&file, true)).unwrap().is_empty());
    assert_eq!(backup::verify(&file).unwrap(), manifest);
    assert_eq!(backup::list(&file).unwrap(), manifest);
    let stages = std::fs::read_dir(&cloud.directory).unwrap().flatten();
    assert!(stages.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with(".backup")));
    let before = cloud.lists().await;
    within("the cloud to stop", cloud.appliance.stop()).await;

    let new = parent.path().join("new");
    backup::restore(&file, &new).unwrap();
    let restored = new.join("volumes").join(&volume);
    assert_eq!(std::fs::metadata(&restored).unwrap().len(), size);
    assert_eq!(&std::fs::read(&restored).unwrap()[300_000..300_008], b"precious");
    let about = std::fs::metadata(&restored).unwrap();
    assert!(std::os::unix::fs::MetadataExt::blocks(&about) < 1_000, "holes are holes again");
    let mode = std::fs::metadata(new.join("keys/tokens.json")).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
    let mode = std::fs::metadata(new.join("keys")).unwrap().permissions();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o700);
    assert_eq!(std::fs::read_to_string(new.join(&disk_file)).unwrap(), "what the guest wrote");
    let cloud = Cloud::start(&new).await;
    assert_eq!(cloud.lists().await[..4], before[..4]);
    becomes(&cloud.admin, &server, "ACTIVE").await;
    assert_eq!(std::fs::read_to_string(new.join(&disk_file)).unwrap(), "what the guest wrote", "it is not made anew");
    cloud.boot("after", &image).await;
    within("the cloud to stop", cloud.appliance.stop()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_tells_what_it_does_not_hold() {
    let parent = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(&parent.path().join("cloud")).await;
    let plan = cloud.plan(&parent.path().join("backup"), false);
    assert_eq!(backup::left_out(&plan).unwrap(), Vec::<String>::new(), "there is nothing yet");
    let image = scenery::image(&cloud.admin, "disk").await;
    cloud.volume("data").await;
    let server = cloud.boot("web", &image).await;
    let manifest = cloud.back_up(&plan.file, false).await.unwrap();
    assert!(!paths(&manifest).iter().any(|path| path.contains(&server)), "{manifest:?}");
    // As if the image were in a store elsewhere, and the volume with a driver that keeps no files.
    let db = rusqlite::Connection::open(cloud.directory.join("cloudbox.db")).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    let here = ["the disks of 1 server (--servers adds them)", "the bytes of 1 volume (--volumes adds them)"];
    assert_eq!(backup::left_out(&plan).unwrap(), here);
    db.execute_batch("UPDATE image_locations SET store = 'nas'; UPDATE volume_volumes SET backend = 'lvm'").unwrap();
    let elsewhere = [
        here[0],
        "the bytes of 1 volume (not kept as files: copy them with their storage's own means)",
        "the bytes of 1 image (in the store nas alone: copy its directory)",
    ];
    assert_eq!(backup::left_out(&plan).unwrap(), elsewhere);
    within("the cloud to stop", cloud.appliance.stop()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_holds_what_its_database_knows_while_images_come_and_go() {
    let parent = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(&parent.path().join("cloud")).await;
    let volume = cloud.volume("left out").await;
    let admin = cloud.admin.clone();
    let churn = tokio::spawn(async move {
        for round in 0.. {
            let image = scenery::image(&admin, &format!("image {round}")).await;
            if round % 2 == 0 {
                admin.delete(&format!("/image/v2/images/{image}")).await.expect(204);
            }
        }
    });
    for round in 0..5 {
        let file = parent.path().join(format!("backup-{round}"));
        let manifest = cloud.back_up(&file, false).await.unwrap();
        assert!(!paths(&manifest).contains(&format!("volumes/{volume}").as_str()));
        let into = parent.path().join(format!("restored-{round}"));
        backup::restore(&file, &into).unwrap();
        let known = image_files(&into);
        assert!(known.iter().all(|path| into.join(path).exists()), "{known:?}");
        assert_eq!(known.len(), paths(&manifest).iter().filter(|path| path.starts_with("images/")).count());
    }
    churn.abort();
    within("the cloud to stop", cloud.appliance.stop()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_cut_off_or_in_the_way_is_refused_and_leaves_nothing() {
    let parent = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(&parent.path().join("cloud")).await;
    scenery::image(&cloud.admin, "disk").await;
    let file = parent.path().join("backup");
    cloud.back_up(&file, false).await.unwrap();
    let again = cloud.back_up(&file, false).await.unwrap_err();
    assert!(again.to_string().contains("it is there already"), "{again}");
    let occupied = backup::restore(&file, &cloud.directory).unwrap_err();
    assert!(matches!(occupied, BackupError::NotEmpty { .. }), "{occupied}");
    within("the cloud to stop", cloud.appliance.stop()).await;

    let bytes = std::fs::read(&file).unwrap();
    let (bad, into) = (parent.path().join("bad"), parent.path().join("into"));
    for cut in [0, 10, bytes.len() / 2, bytes.len() - 5] {
        std::fs::write(&bad, &bytes[..cut]).unwrap();
        assert!(backup::verify(&bad).is_err(), "cut at {cut}");
        backup::restore(&bad, &into).unwrap_err();
        assert_eq!(std::fs::read_dir(&into).unwrap().count(), 0, "cut at {cut}");
    }
    for at in (0..bytes.len()).step_by(bytes.len() / 20) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        std::fs::write(&bad, &changed).unwrap();
        if backup::verify(&bad).is_err() {
            backup::restore(&bad, &into).unwrap_err();
            assert_eq!(std::fs::read_dir(&into).unwrap().count(), 0, "changed at {at}");
        }
    }
    // A restore that was cut off is begun anew.
    std::fs::create_dir_all(into.join(".restoring/images")).unwrap();
    std::fs::write(into.join("cloud-id"), "half of it").unwrap();
    backup::restore(&file, &into).unwrap();
    assert_ne!(std::fs::read_to_string(into.join("cloud-id")).unwrap(), "half of it");
    assert!(!into.join(".restoring").exists() && into.join("cloudbox.db").exists());
    let nothing = backup::restore(&parent.path().join("none"), &parent.path().join("other")).unwrap_err();
    assert!(nothing.to_string().contains("none"), "{nothing}");
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    with_mounts(|| async {
        let parent = tempfile::tempdir().unwrap();
        let cloud = Cloud::start(&parent.path().join("cloud")).await;
        // What does not compress.
        let noise =
            (0_u32..1 << 20).flat_map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 31).to_le_bytes()).collect();
        let body = json!({ "name": "noise", "disk_format": "raw", "container_format": "bare" });
        scenery::image_of(&cloud.admin, body, noise).await;
        let little = parent.path().join("little");
        std::fs::create_dir(&little).unwrap();
        small_disk(&little, "1M");
        let full = cloud.back_up(&little.join("backup"), false).await.unwrap_err();
        assert!(matches!(full, BackupError::Full { .. }), "{full}");
        assert_eq!(std::fs::read_dir(&little).unwrap().count(), 0);
        let file = parent.path().join("backup");
        cloud.back_up(&file, false).await.unwrap();
        let full = backup::restore(&file, &little).unwrap_err();
        assert!(matches!(full, BackupError::Full { .. }), "{full}");
        assert_eq!(std::fs::read_dir(&little).unwrap().count(), 0);
        within("the cloud to stop", cloud.appliance.stop()).await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_that_changes_meanwhile_is_copied_at_once_or_refused() {
    let parent = tempfile::tempdir().unwrap();
    let cloud = Cloud::start(&parent.path().join("cloud")).await;
    let volume = cloud.volume("busy").await;
    let path = cloud.directory.join("volumes").join(volume);
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    let writer = std::thread::spawn(move || {
        use std::os::unix::fs::FileExt as _;
        let file = std::fs::File::options().write(true).open(path).unwrap();
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            file.write_all_at(b"busy", 4096).unwrap();
        }
    });
    let copies_at_once = {
        let (from, to) = (parent.path().join("from"), parent.path().join("to"));
        std::fs::write(&from, "x").unwrap();
        let (from, to) = (std::fs::File::open(from).unwrap(), std::fs::File::create(to).unwrap());
        rustix::fs::ioctl_ficlone(to, from).is_ok()
    };
    let made = cloud.back_up(&parent.path().join("backup"), true).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
    match made {
        Ok(_) => assert!(copies_at_once),
        Err(error) => assert!(!copies_at_once && matches!(error, BackupError::Changed(_)), "{error}"),
    }
    assert_eq!(parent.path().join("backup").exists(), copies_at_once);
    within("the cloud to stop", cloud.appliance.stop()).await;
}
