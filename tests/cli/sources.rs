//! Images of files and of what the cloud fetches, and VMs that are made straight of them.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::{Cloud, field};

/// Lets the cloud fetch from this host.
const FETCHES: &str = "[image.web_download]\nallowed_networks = [\"127.0.0.0/8\"]\nallowed_ports = []\nattempts = 0\n";

/// Bytes that are no format of their own.
const DISK: &[u8] = &[7; 300_000];

/// A server of one disk, whatever is asked for but `/gone`; its URL.
fn publisher() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // It ends with the process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                asked.push(byte[0]);
            }
            let gone = asked.starts_with(b"GET /gone") || asked.starts_with(b"HEAD /gone");
            let (status, body) = if gone { ("404 Not Found", &b""[..]) } else { ("200 OK", DISK) };
            let length = body.len();
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").unwrap();
            stream.write_all(body).unwrap();
        }
    });
    url
}

#[test]
fn an_image_is_made_of_a_file_or_of_what_the_cloud_fetches() {
    let (cloud, url) = (Cloud::start_with(FETCHES), publisher());
    std::fs::write(cloud.home().join("disk.raw"), DISK).unwrap();
    let said = "--min-disk 2 --property os_distro=debian --tag mine -o json";
    let file = cloud.cli(&format!("image create of-file --file disk.raw {said}")).json();
    let fetched = cloud.cli(&format!("image create of-url --url {url}/disk.raw {said}")).json();
    for (name, image) in [("of-file", &file), ("of-url", &fetched)] {
        let shown = ["/name", "/status", "/disk_format", "/os_distro", "/tags/0"].map(|at| field(image, at));
        assert_eq!(shown, [name, "active", "raw", "debian", "mine"]);
        assert_eq!((image["size"].as_u64(), image["min_disk"].as_u64()), (Some(DISK.len() as u64), Some(2)));
        assert_eq!(image["os_hash_value"], file["os_hash_value"]);
    }
    let said = cloud.cli(&format!("image create odd --url {url}/disk")).fails(2);
    assert!(said.contains("--disk-format"), "{said}");
    cloud.cli(&format!("image create told --url {url}/disk --disk-format raw")).ok();
    let lost = cloud.cli(&format!("image create lost --url {url}/gone.raw"));
    assert!(lost.err.contains("404"), "{}", lost.err);
    lost.fails(1);
    let refused = cloud.cli("image create inner --url http://169.254.169.254/disk.raw");
    assert!(refused.err.contains("169.254.169.254"), "{}", refused.err);
    refused.fails(1);
    cloud.cli("image create none --file no-such.raw").fails(1);
    cloud.cli("image create both --file disk.raw --url http://example.org/disk.raw").fails(2);
    let mut left: Vec<_> = cloud.cli("image list -o name").ok().lines().map(str::to_owned).collect();
    left.sort();
    assert_eq!(left, ["of-file", "of-url", "told"], "what failed is taken away again");
}

#[test]
fn a_vm_is_made_straight_of_a_file_or_a_url() {
    let (cloud, url) = (Cloud::start_with(FETCHES), publisher());
    std::fs::write(cloud.home().join("disk.raw"), DISK).unwrap();
    for (vm, source) in [("of-file", "./disk.raw".to_owned()), ("of-url", format!("{url}/some/disk.raw"))] {
        let server = cloud.cli(&format!("vm create {vm} --image {source} --key none -o json")).json();
        assert_eq!(field(&server, "/status"), "ACTIVE");
        let image = cloud.cli(&format!("image show {} -o json", field(&server, "/image/id"))).json();
        assert_eq!([field(&image, "/name"), field(&image, "/status")], ["disk.raw", "active"]);
    }
    let failed = cloud.cli(&format!("vm create lost --image {url}/gone.raw --key none"));
    assert!(failed.err.contains("404"), "{}", failed.err);
    failed.fails(1);
    assert_eq!(cloud.cli("vm list -o name").ok().lines().count(), 2);
    assert_eq!(cloud.cli("image list -o name").ok().lines().count(), 2, "no image of what could not be had");
}
