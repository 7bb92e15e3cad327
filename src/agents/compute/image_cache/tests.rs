use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use kit::disk_image::testing::{self, qcow2};
use kit::ids::ImageId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::disks::Purpose;
use crate::disks::fake::FakeDisks;
use crate::guest::record::Record;

struct World {
    dir: tempfile::TempDir,
    cache: ImageCache,
}

impl World {
    fn new() -> Self {
        Self::with(Arc::new(FakeDisks))
    }

    fn with(tool: Arc<dyn DiskTool>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("cache")).unwrap();
        std::fs::create_dir_all(dir.path().join("instances")).unwrap();
        let service = Arc::new(ImageService::new(None));
        Self { cache: ImageCache::new(dir.path().join("cache"), tool, service), dir }
    }

    fn image(&self, disk_format: &str, bytes: &[u8]) -> Image {
        let id = ImageId::random();
        let path = self.dir.path().join(id.as_str());
        std::fs::write(&path, bytes).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, bytes);
        let sha512 = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Image {
            id,
            name: None,
            status: "active".to_owned(),
            owner: None,
            disk_format: Some(disk_format.to_owned()),
            container_format: Some("bare".to_owned()),
            size_bytes: bytes.len() as u64,
            virtual_size_bytes: None,
            min_disk_gb: 0,
            min_ram_mb: 0,
            sha512: Some(sha512),
            properties: BTreeMap::new(),
            location: Some(ImageLocation::File { path, url: "http://127.0.0.1:1/".to_owned() }),
        }
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path().join("cache")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn backed() -> Vec<u8> {
    let mut image = qcow2(5 << 20);
    testing::put(&mut image, 8, &64u64.to_be_bytes());
    image
}

#[tokio::test]
async fn an_image_is_kept_read_only_under_its_checksum() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let mut bytes = vec![3; 10_000];
    bytes.extend(vec![0; 100_000]);
    let image = world.image("raw", &bytes);
    let cached = world.cache.fetch(&image, None).await.unwrap();
    assert_eq!(cached.base.file, format!("{}.raw", image.sha512.clone().unwrap()));
    assert_eq!(cached.virtual_size, 110_000);
    let path = world.cache.backing(&cached.base).path;
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o444);
    // The store's file is not needed a second time.
    std::fs::remove_file(world.dir.path().join(image.id.as_str())).unwrap();
    assert_eq!(world.cache.fetch(&image, None).await.unwrap(), cached);
    assert_eq!(world.files().len(), 1);
}

#[tokio::test]
async fn a_qcow2s_disk_is_as_large_as_it_says() {
    let world = World::new();
    let cached = world.cache.fetch(&world.image("qcow2", &qcow2(5 << 20)), None).await.unwrap();
    assert_eq!((cached.virtual_size, cached.base.format), (5 << 20, DiskFormat::Qcow2));
}

#[tokio::test]
async fn what_is_dangerous_wrong_or_corrupt_is_refused_and_leaves_nothing() {
    let world = World::new();
    let mut corrupt = world.image("raw", b"some bytes");
    corrupt.sha512 = Some("0".repeat(128));
    let mut queued = world.image("raw", b"x");
    queued.status = "queued".to_owned();
    let cases = [
        (world.image("qcow2", &backed()), "it has a backing file"),
        (world.image("raw", &qcow2(5 << 20)), "it is qcow2, not raw as declared"),
        (world.image("qcow2", b"plain bytes"), "it is not in the declared format qcow2"),
        (world.image("qed", &testing::qed()), "its disk format is not supported"),
        (corrupt, "is corrupt"),
        (queued, "is not active"),
    ];
    for (image, why) in cases {
        let fault = world.cache.fetch(&image, None).await.unwrap_err();
        assert!(fault.message().contains(why), "{fault}");
        assert_eq!(world.files(), [] as [String; 0], "{why}");
    }
}

#[tokio::test]
async fn of_the_corpus_only_the_harmless_get_in() {
    let world = World::new();
    for specimen in testing::hostile() {
        let fetched = world.cache.fetch(&world.image(specimen.declared, &specimen.bytes), None).await;
        assert!(fetched.is_err(), "{} as {}", specimen.name, specimen.declared);
        assert_eq!(world.files(), [] as [String; 0], "{}", specimen.name);
    }
    for specimen in testing::harmless().iter().filter(|specimen| !matches!(specimen.declared, "aki" | "ari")) {
        let fetched = world.cache.fetch(&world.image(specimen.declared, &specimen.bytes), None).await;
        assert!(fetched.is_ok(), "{}: {fetched:?}", specimen.name);
    }
}

/// Counts conversions, and is slow.
#[derive(Default)]
struct Counting(AtomicUsize);

impl DiskTool for Counting {
    fn overlay<'a>(&'a self, path: &'a Path, base: &'a Backing, size: u64) -> BoxFuture<'a, Result<(), DiskError>> {
        FakeDisks.overlay(path, base, size)
    }

    fn blank<'a>(&'a self, path: &'a Path, size: u64, purpose: Purpose) -> BoxFuture<'a, Result<(), DiskError>> {
        FakeDisks.blank(path, size, purpose)
    }

    fn flatten<'a>(&'a self, overlay: &'a Path, to: &'a Path) -> BoxFuture<'a, Result<(), DiskError>> {
        FakeDisks.flatten(overlay, to)
    }

    fn convert<'a>(&'a self, from: &'a Path, _: Format, to: &'a Path) -> BoxFuture<'a, Result<(), DiskError>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            tokio::task::yield_now().await;
            assert!(from.exists());
            std::fs::write(to, qcow2(5 << 20)).map_err(DiskError::io("a test"))
        })
    }
}

#[tokio::test]
async fn another_format_is_converted_once_however_many_ask() {
    let tool = Arc::new(Counting::default());
    let world = World::with(tool.clone());
    let image = world.image("vdi", &testing::vdi(1 << 20));
    let all = futures_util::future::join_all((0..8).map(|_| world.cache.fetch(&image, None))).await;
    for cached in all {
        let cached = cached.unwrap();
        assert!(cached.base.file.ends_with(".vdi.qcow2"));
        assert_eq!(cached.virtual_size, 5 << 20);
    }
    assert_eq!(tool.0.load(Ordering::SeqCst), 1);
    assert_eq!(world.files().len(), 1);
}

/// Answers one request with `response`; what was asked comes back.
async fn serve(response: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/image/v2/images/x/file", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        stream.write_all(&response).await.unwrap();
        stream.shutdown().await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (url, served)
}

fn response(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n").into_bytes();
    bytes.extend(body);
    bytes
}

#[tokio::test]
async fn without_the_stores_file_the_bytes_come_over_http_with_the_token() {
    let world = World::new();
    let body = vec![8; 300_000];
    let mut image = world.image("raw", &body);
    let missing = world.dir.path().join("missing");
    let (url, served) = serve(response("200 OK", body.len(), &body)).await;
    image.location = Some(ImageLocation::File { path: missing.clone(), url });
    let cached = world.cache.fetch(&image, Some(&Secret::new("tok"))).await.unwrap();
    assert_eq!(std::fs::read(world.cache.backing(&cached.base).path).unwrap(), body);
    assert!(served.await.unwrap().to_lowercase().contains("x-auth-token: tok"));

    let mut other = world.image("raw", b"other");
    for (answer, kind) in [
        (response("404 Not Found", 0, b""), kit::FaultKind::NotFound),
        (response("401 Unauthorized", 0, b""), kit::FaultKind::Forbidden),
        (response("500 Oops", 0, b""), kit::FaultKind::Unavailable),
        (response("200 OK", 100, b"cut off"), kit::FaultKind::Unavailable),
    ] {
        let (url, _served) = serve(answer).await;
        other.location = Some(ImageLocation::File { path: missing.clone(), url });
        assert_eq!(world.cache.fetch(&other, None).await.unwrap_err().kind(), kind);
        assert_eq!(world.files().len(), 1);
    }
}

#[tokio::test]
async fn a_sweep_keeps_what_is_used_or_young() {
    let world = World::new();
    let old = SystemTime::now() - Duration::from_secs(3 * 86_400);
    let mut bases = Vec::new();
    for bytes in [b"one", b"two", b"six"] {
        let cached = world.cache.fetch(&world.image("raw", bytes), None).await.unwrap();
        let path = world.cache.backing(&cached.base).path;
        std::fs::File::open(path).unwrap().set_modified(old).unwrap();
        bases.push(cached.base);
    }
    let guest = world.dir.path().join("instances/a");
    std::fs::create_dir_all(&guest).unwrap();
    Record { base: Some(bases[0].clone()), ..Record::default() }.write(&guest).unwrap();
    let young = world.cache.fetch(&world.image("raw", b"two"), None).await.unwrap();
    assert_eq!(young.base, bases[1]);
    assert_eq!(world.cache.sweep(world.dir.path().join("instances")).await.unwrap(), 1);
    let mut left = world.files();
    left.sort();
    let mut expected = vec![bases[0].file.clone(), bases[1].file.clone()];
    expected.sort();
    assert_eq!(left, expected);

    std::fs::write(world.dir.path().join("cache/x.part"), "").unwrap();
    world.cache.clear_drafts().await.unwrap();
    assert_eq!(world.files().len(), 2);
    // Where a guest's record cannot be read, nothing goes.
    std::fs::write(guest.join("instance.json"), "broken").unwrap();
    assert!(world.cache.sweep(world.dir.path().join("instances")).await.is_err());
}
