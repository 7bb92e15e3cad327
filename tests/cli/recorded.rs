//! The command line against a real OpenStack: what one has answered (`recorded/`, a file for each request) is answered again, and what the command prints of
//! it is held in `snapshots/`. The answers are as they came; only the addresses of the catalog lead here.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// A thing of each of the nouns that there are answers for, as a person asks for it. What comes second is what is wrong with it.
const COMMANDS: &[(&str, &str)] = &[
    ("flavor list", ""),
    ("flavor show m1.nano -o yaml", ""),
    ("hypervisor list -o wide", ""),
    ("image list", ""),
    ("image list -o json --columns name,size,checksum", ""),
    ("network list", ""),
    ("subnet list", ""),
    ("port list --vm 19a80d1a-0c98-490b-80f6-e86b8f409097", ""),
    ("volume list", ""),
    ("volume show 1fee8996-b924-46c8-ba82-5da2b53ee7b5", ""),
    ("volume-type list -o wide", ""),
    ("vm show 19a80d1a-0c98-490b-80f6-e86b8f409097", ""),
    ("vm events 19a80d1a-0c98-490b-80f6-e86b8f409097 -o wide", ""),
    ("user list", ""),
    ("region list", ""),
    ("catalog list", ""),
    ("image show nope", "there is none of that name"),
    ("vm trace 19a80d1a-0c98-490b-80f6-e86b8f409097", "OpenStack has no traces"),
    ("status", "OpenStack has no such API"),
];

/// The answers, by method, service and path.
type Answers = BTreeMap<String, (u16, Value)>;

fn answers() -> Answers {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/recorded");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let recorded: Value = serde_json::from_str(&text).unwrap();
        let field = |name: &str| recorded.get(name).unwrap();
        let request = field("request").as_str().unwrap();
        let bare = request.split('?').next().unwrap().replace("/8aabdfa5e20c46ce9d195ac55e87fe1a", "");
        let status = u16::try_from(field("status").as_u64().unwrap()).unwrap();
        (bare, (status, field("body").clone()))
    };
    std::fs::read_dir(dir).unwrap().map(read).collect()
}

/// A cloud that answers what was recorded. It ends with the process.
fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (base, answers) = (url.clone(), answers());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap(), &base, &answers);
        }
    });
    url
}

/// One request on one connection.
fn serve(mut stream: TcpStream, base: &str, answers: &Answers) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    reader.take(length).read_to_end(&mut Vec::new()).unwrap();
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, body) = answer(method, target, answers);
    // Every service has an address of its own, at a port that is the first part of the path here.
    let body = body.to_string().replace("http://127.0.0.1:", &format!("{base}/"));
    let head = format!(
        "HTTP/1.1 {status} Recorded\r\nContent-Type: application/json\r\nX-Subject-Token: gAAAAA\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // Whoever has gone needs no answer.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
}

fn answer(method: &str, target: &str, answers: &Answers) -> (u16, Value) {
    const SERVICES: [(&str, &str); 6] = [
        ("/5000", "identity"),
        ("/8774", "compute"),
        ("/8776", "volume"),
        ("/8778", "placement"),
        ("/9292", "image"),
        ("/9696", "network"),
    ];
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let service = SERVICES.iter().find_map(|(port, service)| Some((service, path.strip_prefix(port)?)));
    let Some((service, path)) = service else { return (404, json!({"error": {"message": "Not here."}})) };
    let found = answers.get(&format!("{method} {service} {path}"));
    let (status, mut body) = found.cloned().unwrap_or_else(|| (404, json!({"error": {"message": "Nothing here."}})));
    // The page after the recorded one is empty, and so is a search for something else by its name.
    let other = |value: &Value| {
        query.split('&').any(|pair| pair == "marker" || pair.starts_with("marker=")) || named(query, value)
    };
    for list in body.as_object_mut().into_iter().flatten().filter_map(|(_, value)| value.as_array_mut()) {
        list.retain(|value| !other(value) || value.get("rel").is_some());
    }
    if query.contains("marker=") {
        body.as_object_mut().unwrap().retain(|key, _| key != "next" && !key.ends_with("_links"));
    }
    (status, body)
}

/// Whether `query` asks for another name than `value` has.
fn named(query: &str, value: &Value) -> bool {
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("name="));
    asked.is_some_and(|name| value.get("name").is_some_and(|own| own != name))
}

#[test]
fn what_openstack_answers_is_shown() {
    let (home, url) = (tempfile::tempdir().unwrap(), start());
    let mut all = String::new();
    for (line, why) in COMMANDS {
        let done = Command::new(env!("CARGO_BIN_EXE_cloudbox"))
            .args(line.split(' '))
            .env_clear()
            .envs([("HOME", home.path().to_str().unwrap()), ("OS_AUTH_URL", &format!("{url}/5000/v3"))])
            .envs([("OS_USERNAME", "admin"), ("OS_PASSWORD", "secret"), ("OS_PROJECT_NAME", "admin")])
            .stdin(Stdio::null())
            .current_dir(home.path())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&url, "http://cloud");
        let (out, err) = (text(done.stdout), text(done.stderr));
        assert_eq!(done.status.success(), why.is_empty(), "{line}: {out}{err}");
        all.push_str(&format!("$ cloudbox {line}\n{out}{err}\n"));
    }
    insta::assert_snapshot!("openstack", all);
}
