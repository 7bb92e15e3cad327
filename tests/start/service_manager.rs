//! What systemd hears: a socket of the test's own stands in for it.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use crate::cloud::{PATIENCE, Place, Serving};

struct Systemd {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Systemd {
    fn new(place: &Place) -> Self {
        let path = place.0.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, path }
    }

    /// Waits until a message has `text` in it; those before it are answered, too.
    fn hears(&self, text: &str) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let mut bytes = [0; 4096];
            let length = self.socket.recv(&mut bytes).unwrap_or_else(|error| panic!("{text:?}: {error}: {heard:?}"));
            heard.push(String::from_utf8_lossy(&bytes[..length]).into_owned());
            if heard.last().unwrap().contains(text) {
                return heard;
            }
        }
    }
}

#[test]
fn it_is_told_of_the_start_of_life_and_of_the_end() {
    let place = Place::new();
    place.configure("127.0.0.1", "");
    let systemd = Systemd::new(&place);
    let mut command = place.serve();
    command.env("NOTIFY_SOCKET", &systemd.path).env("WATCHDOG_USEC", "400000");
    let serving = Serving::of(command);
    let heard = systemd.hears("READY=1");
    assert!(heard[0].starts_with("STATUS="), "{heard:?}");
    assert!(heard.last().unwrap().contains(&format!("STATUS=answering at {}", serving.url)), "{heard:?}");
    for _ in 0..3 {
        systemd.hears("WATCHDOG=1");
    }
    // What a frozen process says: nothing.
    serving.signal(rustix::process::Signal::STOP);
    systemd.socket.set_read_timeout(Some(std::time::Duration::from_millis(1500))).unwrap();
    let mut bytes = [0; 4096];
    while systemd.socket.recv(&mut bytes).is_ok() {}
    systemd.socket.set_read_timeout(Some(PATIENCE)).unwrap();
    serving.signal(rustix::process::Signal::CONT);
    systemd.hears("WATCHDOG=1");
    assert_eq!(serving.stop(), 0);
    systemd.hears("STOPPING=1");
}
