//! A host whose disk is full: while an image is cached, and while the database grows. Nothing is lost, it is said, and it works
//! again once there is room.
//!
//! The small disks are mounts of a test's own thread; they need root, and the tests are left out without it.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, mount_remount, unmount};
use rustix::thread::UnshareFlags;
use serde_json::json;

use crate::scenery::{Tenant, becomes, flavor, held, holds, image_of};
use crate::world::World;

const FLAVORS: &str = "/compute/v2.1/flavors";

/// Runs `test` where it can mount what nobody else sees.
pub fn with_mounts<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: it needs root");
        return;
    }
    let thread = std::thread::spawn(move || {
        // Of this thread alone; those that it starts follow it.
        #[expect(deprecated, reason = "the replacement is unsafe for unsharing descriptors, which this does not")]
        rustix::thread::unshare(UnshareFlags::NEWNS).unwrap();
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(test());
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Makes the disk at `directory` as large as `size`.
pub fn resize(directory: &Path, size: &str) {
    let options = std::ffi::CString::new(format!("size={size}")).unwrap();
    mount_remount(directory, MountFlags::empty(), options.as_c_str()).unwrap();
}

/// A disk of `size` at `directory`.
pub fn small_disk(directory: &Path, size: &str) {
    let options = std::ffi::CString::new(format!("size={size},mode=0711")).unwrap();
    mount("tmpfs", directory, "tmpfs", MountFlags::empty(), Some(options.as_c_str())).unwrap();
}

/// The names of what is in `directory`.
pub fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// A megabyte that nothing compresses and no hole shortens.
pub fn dense() -> Vec<u8> {
    (0_u32..1 << 18).flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()).collect()
}

/// The names of the flavors that this test made.
async fn flavors(world: &World) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut path = FLAVORS.to_owned();
    loop {
        let page = world.admin.get(&path).await.expect(200);
        let all = page["flavors"].as_array().unwrap().iter().map(|flavor| flavor["name"].as_str().unwrap().to_owned());
        found.extend(all.filter(|name| name == "before" || name.starts_with('f')));
        let next = page["flavors_links"][0]["href"].as_str();
        let Some(at) = next.and_then(|href| href.find("/compute/").map(|at| href[at..].to_owned())) else {
            return found;
        };
        path = at;
    }
}

fn names(made: u32) -> BTreeSet<String> {
    (0..made).map(|number| format!("f{number}")).chain(["before".to_owned()]).collect()
}

#[test]
fn a_disk_that_is_full_while_an_image_is_cached() {
    with_mounts(|| async {
        let world = World::start().await;
        let tenant = Tenant::new(&world, "alice").await;
        let body = json!({ "name": "dense", "disk_format": "raw", "container_format": "bare" });
        let image = image_of(&tenant.client, body, dense()).await;
        let cache = world.directory().join("image-cache");
        small_disk(&cache, "256k");
        let nothing = held(&world).await;
        let id = tenant.create("full", json!({ "imageRef": image })).await;
        let server = becomes(&tenant.client, &id, "ERROR").await;
        let message = server["fault"]["message"].as_str().unwrap();
        assert!(message.to_lowercase().contains("space"), "{message}");
        assert!(!message.contains(&world.directory().display().to_string()), "{message}");
        assert_eq!(files(&cache), [""; 0], "no half of an image stays");
        tenant.delete(&id).await;
        holds(&world, &nothing).await;

        resize(&cache, "8m");
        let id = tenant.boot("roomy", json!({ "imageRef": image })).await;
        assert_eq!(files(&cache).len(), 1);
        tenant.delete(&id).await;
    });
}

#[test]
fn a_disk_that_is_full_under_the_database() {
    with_mounts(|| async {
        let disk = tempfile::tempdir().unwrap();
        small_disk(disk.path(), "24m");
        let mut world = World::start_in(disk.path()).await;
        flavor(&world, "before", json!({})).await;
        let filler = disk.path().join("filler");
        let mut fill = std::fs::File::create(&filler).unwrap();
        while fill.write_all(&[7; 4096]).is_ok() {}
        let body = |number: u32| json!({ "flavor": { "name": format!("f{number}"), "vcpus": 1, "ram": 1, "disk": 1 } });
        let mut made = 0;
        let refused = loop {
            // The write-ahead log has room that it took before; it comes to an end.
            let answer = world.admin.post(FLAVORS, body(made)).await;
            if answer.status != 200 {
                break answer;
            }
            made += 1;
        };
        assert!(refused.status == 503 || refused.status == 507, "{}", String::from_utf8_lossy(&refused.body));
        assert_eq!(flavors(&world).await, names(made), "what there was can be read, and what was answered is there");

        drop(fill);
        std::fs::remove_file(&filler).unwrap();
        world.admin.post(FLAVORS, body(made)).await.expect(200);
        world.restart().await;
        assert_eq!(flavors(&world).await, names(made + 1));
        world.stop().await;
        drop(world);
        unmount(disk.path(), UnmountFlags::empty()).unwrap();
    });
}
