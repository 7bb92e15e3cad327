//! The bytes of images: how fast a gibibyte comes and goes, against what copying and hashing it cost, and in how much memory.
//!
//! The other end of the connection is a thread with a socket and 64 KiB: what is measured is the server.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cloud::Cloud;
use crate::figure::{Goal, Report};

const UPLOAD: &str = "image upload of 1 GiB per the slower of cp and sha512sum";
const DOWNLOAD: &str = "image download of 1 GiB per the slower of cp and sha512sum";
const UPLOAD_MEMORY: &str = "image upload of 1 GiB, memory";
const PARALLEL_MEMORY: &str = "image downloads, 64 at once, memory of each";

const GIB: u64 = 1 << 30;
const PARALLEL: usize = 64;
/// What each of the parallel downloads reads.
const PART: u64 = 64 << 20;
const BUFFER: usize = 64 << 10;

pub async fn measure(report: &mut Report) {
    if !report.wants_any(&[UPLOAD, DOWNLOAD, UPLOAD_MEMORY, PARALLEL_MEMORY]) {
        return;
    }
    let cloud = Cloud::start().await;
    let file = cloud.directory.path().join("image.raw");
    write_noise(&file, GIB);
    let slower = bare(&file, &cloud.directory.path().join("copy.raw")).await;
    let image = json!({ "name": "large", "disk_format": "raw", "container_format": "bare" });
    let made = cloud.client().await.must(201, "POST", "/image/v2/images", &image).await;
    let path = format!("/image/v2/images/{}/file", made["id"].as_str().expect("an id"));
    let link = Arc::new(Link::new(&cloud, path));

    let (sender, source) = (link.clone(), file.clone());
    let (taken, memory) = watched(move || sender.upload(&source)).await;
    report.add(UPLOAD, taken / slower, "", Goal::AtMost(1.3));
    report.add(UPLOAD_MEMORY, memory, "MiB", Goal::AtMost(16.0));

    let reader = link.clone();
    let (taken, _) = watched(move || reader.download(GIB)).await;
    report.add(DOWNLOAD, taken / slower, "", Goal::AtMost(1.3));
    let (_, memory) = watched(move || {
        std::thread::scope(|scope| {
            for _ in 0..PARALLEL {
                scope.spawn(|| link.download(PART));
            }
        });
    })
    .await;
    report.add(PARALLEL_MEMORY, memory / PARALLEL as f64, "MiB", Goal::AtMost(16.0));
    cloud.appliance.stop().await;
}

/// Writes `bytes`, whole MiB, that neither compress nor have holes.
pub fn write_noise(path: &Path, bytes: u64) {
    let mut file = File::create(path).expect("a file");
    let (mut block, mut state) = (vec![0_u8; 1 << 20], 0x9e37_79b9_7f4a_7c15_u64);
    for _ in 0..bytes >> 20 {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block).expect("room for it");
    }
    file.sync_all().expect("the disk takes it");
}

/// The seconds that the slower of copying and hashing `file` takes.
async fn bare(file: &Path, copy: &Path) -> f64 {
    let (file, copy) = (file.to_owned(), copy.to_owned());
    tokio::task::spawn_blocking(move || {
        let run = |command: &mut Command| {
            let begun = Instant::now();
            assert!(command.output().expect("a program").status.success());
            begun.elapsed().as_secs_f64()
        };
        let copied = run(Command::new("cp").arg(&file).arg(&copy));
        // What an upload answers is on the disk.
        let flushed = run(Command::new("sync").arg(&copy));
        let hashed = run(Command::new("sha512sum").arg(&file));
        std::fs::remove_file(&copy).expect("the copy is there");
        (copied + flushed).max(hashed)
    })
    .await
    .expect("it is measured")
}

/// Runs `work` on a thread: the seconds that it takes, and by how many MiB this process grew at most meanwhile.
async fn watched(work: impl FnOnce() + Send + 'static) -> (f64, f64) {
    let done = Arc::new(AtomicBool::new(false));
    let (before, seen) = (resident_kib(), done.clone());
    let watcher = std::thread::spawn(move || {
        let mut most = 0;
        while !seen.load(Ordering::Relaxed) {
            most = most.max(resident_kib());
            std::thread::sleep(Duration::from_millis(10));
        }
        most
    });
    let begun = Instant::now();
    tokio::task::spawn_blocking(work).await.expect("it works");
    let taken = begun.elapsed().as_secs_f64();
    done.store(true, Ordering::Relaxed);
    let most = watcher.join().expect("it watches");
    (taken, most.saturating_sub(before) as f64 / 1024.0)
}

/// What this process has in memory of its own, in KiB.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).expect("a number")
}

/// How to get at an image's bytes.
pub struct Link {
    host: String,
    path: String,
    token: String,
}

impl Link {
    pub fn new(cloud: &Cloud, path: String) -> Self {
        let host = cloud.appliance.public_url().strip_prefix("http://").expect("an http URL").to_owned();
        Self { host, path, token: cloud.token.clone() }
    }

    fn connect(&self, method: &str, more: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.host).expect("the cloud listens");
        let Self { host, path, token } = self;
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: {host}\r\nx-auth-token: {token}\r\n{more}\r\n")
            .expect("a request");
        stream
    }

    /// Sends `file`, whole.
    pub fn upload(&self, file: &Path) {
        let (mut file, mut buffer) = (File::open(file).expect("the file"), vec![0; BUFFER]);
        let length = file.metadata().expect("its length").len();
        let more = format!("content-type: application/octet-stream\r\ncontent-length: {length}\r\n");
        let mut stream = self.connect("PUT", &more);
        loop {
            let count = file.read(&mut buffer).expect("the file can be read");
            if count == 0 {
                break;
            }
            stream.write_all(&buffer[..count]).expect("the cloud takes it");
        }
        let count = stream.read(&mut buffer).expect("an answer");
        assert!(buffer[..count].starts_with(b"HTTP/1.1 204"), "{}", String::from_utf8_lossy(&buffer[..count]));
    }

    /// Reads the first `wanted` bytes.
    fn download(&self, wanted: u64) {
        let mut stream = self.connect("GET", &format!("range: bytes=0-{}\r\n", wanted - 1));
        let (mut buffer, mut head) = (vec![0; BUFFER], Vec::new());
        let mut left = loop {
            let count = stream.read(&mut buffer).expect("an answer");
            assert!(count > 0, "{}", String::from_utf8_lossy(&head));
            head.extend_from_slice(&buffer[..count]);
            if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
                assert!(head.starts_with(b"HTTP/1.1 206"), "{}", String::from_utf8_lossy(&head[..end]));
                break wanted - (head.len() - end - 4) as u64;
            }
        };
        while left > 0 {
            let count = stream.read(&mut buffer).expect("the bytes");
            assert!(count > 0, "{left} bytes are missing");
            left -= count as u64;
        }
    }
}
