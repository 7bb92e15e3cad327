//! Databases of released versions, kept as text in `upgrades/VERSION/`, are upgraded; newer ones are refused.
//!
//! To add one at a release: run that cloudbox with fake drivers, make one of each thing, stop it, and dump its database
//! (`sqlite3 cloudbox.db .dump`, with its `PRAGMA application_id` at the top), beside its `clouds.yaml` and `cloud-id`.

use std::path::Path;

use cloudbox::appliance::Appliance;
use serde_json::json;

use crate::client::Client;
use crate::world::{self, within};

/// A data directory as cloudbox `version` left it.
fn directory(version: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/appliance/upgrades").join(version);
    let db = rusqlite::Connection::open(directory.path().join("cloudbox.db")).unwrap();
    db.execute_batch(&std::fs::read_to_string(kept.join("cloudbox.sql")).unwrap()).unwrap();
    db.close().unwrap();
    for name in ["clouds.yaml", "cloud-id"] {
        std::fs::copy(kept.join(name), directory.path().join(name)).unwrap();
    }
    directory
}

async fn admin(appliance: &Appliance, directory: &Path) -> Client {
    let user = json!({ "name": "admin", "domain": { "id": "default" }, "password": world::admin_password(directory) });
    let scope = json!({ "project": { "name": "admin", "domain": { "id": "default" } } });
    Client::new(appliance.public_url()).log_in(&user, Some(scope)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloud_of_each_released_version_is_upgraded() {
    for version in ["0.1.0"] {
        let directory = directory(version);
        let config = world::config(directory.path());
        let appliance = within("the upgrade", Appliance::start(config)).await.unwrap();
        let admin = admin(&appliance, directory.path()).await;
        for (path, list, name) in [
            ("/compute/v2.1/servers", "servers", "old-server"),
            ("/image/v2/images", "images", "old-image"),
            ("/volume/v3/volumes", "volumes", "old-volume"),
            ("/network/v2.0/networks?name=default", "networks", "default"),
        ] {
            let answer = admin.get(path).await.expect(200);
            assert_eq!(answer[list][0]["name"], name, "{version}: {answer}");
        }
        let keys = admin.get("/compute/v2.1/os-keypairs").await.expect(200);
        assert_eq!(keys["keypairs"][0]["keypair"]["name"], "old-key", "{version}: {keys}");
        within("the cloud to stop", appliance.stop()).await;
        let migrations = cloudbox::appliance::migrations();
        let found = store::inspect(&directory.path().join("cloudbox.db"), &migrations, "1").unwrap();
        assert!(!found.behind, "{version}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_a_newer_cloudbox_is_refused_and_untouched() {
    let directory = directory("0.1.0");
    let path = directory.path().join("cloudbox.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute("UPDATE schema_version SET version = 999, cloudbox = '9.9.9' WHERE service = 'compute'", []).unwrap();
    db.close().unwrap();
    let tables = || {
        let read = |db: &store::Connection| {
            store::query::all(db, "SELECT sql FROM sqlite_schema ORDER BY name", [], |row| {
                row.get::<_, Option<String>>(0)
            })
        };
        store::look(&path, read).unwrap()
    };
    let before = tables();
    let Err(refused) = Appliance::start(world::config(directory.path())).await else { panic!("it started") };
    assert!(refused.to_string().contains("install cloudbox 9.9.9 or newer"), "{refused}");
    assert_eq!(before, tables());
    let copy = format!("cloudbox.db.before-{}", env!("CARGO_PKG_VERSION"));
    assert!(!directory.path().join(copy).exists(), "nothing was migrated");
}
