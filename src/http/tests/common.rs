//! A toy service that speaks any dialect, behind a real socket, and a raw client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_kit::dialect::{Api, Dialect};
use http_kit::page::Order;
use http_kit::testing::KnownTokens;
use http_kit::{App, Endpoint, Limits, Paging, Reply, Request, Rule, Service, Target, Tls};
use kit::{Fault, SystemClock};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What the toy knows.
#[derive(Default)]
pub struct Toy {
    pub started: AtomicUsize,
    pub finished: AtomicUsize,
    pub go: Notify,
}

async fn list(_: Arc<Toy>, request: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(json!({ "toys": [], "base": request.base_url(), "version": request.version.to_string() })))
}

/// Pages over five toys, in the service's own form of links.
async fn pages(_: Arc<Toy>, request: Request) -> Result<Reply, Fault> {
    const ORDER: Order = Order { sortable: &[], default: &[], id: "id", required: &[] };
    let paging = Paging::parse(&request, &ORDER)?;
    let after: usize = paging.marker.as_deref().and_then(|marker| marker.parse().ok()).unwrap_or(0);
    let mut ids: Vec<usize> = if paging.reverse { (1..after).rev().collect() } else { (after + 1..=5).collect() };
    ids.truncate(usize::try_from(paging.fetch()).unwrap_or(usize::MAX));
    let more = paging.cut(&mut ids);
    let (first, last) = (ids.first().copied().unwrap_or(0).to_string(), ids.last().copied().unwrap_or(0).to_string());
    let count = ids.len();
    let links = match request.dialect().api {
        Api::Keystone | Api::Cloudbox => paging.keystone_links(&request, count, &last),
        Api::Nova | Api::Cinder | Api::Placement => json!(paging.next_links(&request, count, &last)),
        Api::Neutron => json!(paging.both_links(&request, count, &first, &last)),
        Api::Glance => json!(paging.relative_links(&request, count, &last)),
    };
    Ok(Reply::ok(json!({ "ids": ids, "more": more, "links": links })))
}

async fn show(_: Arc<Toy>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("toy_id")?;
    request.authorize("toys:show", &Target::project("project"))?;
    if id == "missing" {
        return Err(Fault::not_found(format!("Toy {id} could not be found.")).with_code("ToyNotFound"));
    }
    Ok(Reply::ok(json!({ "toy": { "id": id } })))
}

async fn create(toy: Arc<Toy>, request: Request) -> Result<Reply, Fault> {
    toy.started.fetch_add(1, Ordering::SeqCst);
    if request.query().has("wait") {
        toy.go.notified().await;
    }
    toy.finished.fetch_add(1, Ordering::SeqCst);
    Ok(Reply::json(request.body_value()?).header("Location", format!("{}/toys/1", request.base_url())))
}

async fn slow(toy: Arc<Toy>, _: Request) -> Result<Reply, Fault> {
    toy.started.fetch_add(1, Ordering::SeqCst);
    toy.go.notified().await;
    toy.finished.fetch_add(1, Ordering::SeqCst);
    Ok(Reply::ok(json!({})))
}

async fn over_quota(_: Arc<Toy>, _: Request) -> Result<Reply, Fault> {
    Err(Fault::over_quota("Too many toys."))
}

#[expect(clippy::panic, reason = "that is what it is for")]
async fn explode(_: Arc<Toy>, _: Request) -> Result<Reply, Fault> {
    panic!("boom")
}

async fn forgetful(_: Arc<Toy>, _: Request) -> Result<Reply, Fault> {
    Ok(Reply::no_content())
}

async fn wind(_: Arc<Toy>, request: Request) -> Result<Reply, Fault> {
    Ok(Reply::accepted(request.action_value()?))
}

async fn upload(_: Arc<Toy>, mut request: Request) -> Result<Reply, Fault> {
    let mut stream = request.take_body_stream();
    let mut bytes = 0;
    while let Some(chunk) = stream.next().await {
        bytes += chunk?.len();
    }
    Ok(Reply::ok(json!({ "bytes": bytes, "path": request.path })))
}

async fn download(_: Arc<Toy>, _: Request) -> Result<Reply, Fault> {
    let chunks =
        [Ok::<_, std::io::Error>(http_kit::Bytes::from_static(b"abc")), Ok(http_kit::Bytes::from_static(b"de"))];
    Ok(Reply::stream(futures_util::stream::iter(chunks), Some(5)))
}

const SCHEMA: &str = r#"{
    "type": "object",
    "properties": { "toy": {
        "type": "object",
        "properties": { "name": { "type": "string", "minLength": 1, "maxLength": 8 }, "size": { "type": "integer", "minimum": 1 } },
        "required": ["name"],
        "additionalProperties": false
    } },
    "required": ["toy"],
    "additionalProperties": false
}"#;

pub static ENDPOINTS: &[Endpoint<Toy>] = &[
    Endpoint::get("/toys", "toys:list", &list),
    Endpoint::post("/toys", "toys:create", &create).success(201),
    Endpoint::post("/checked", "toys:create", &create).schema(SCHEMA),
    Endpoint::get("/toys/detail", "toys:list", &list),
    Endpoint::get("/toys/{toy_id}", "toys:show", &show).deferred(),
    Endpoint::put("/toys/{toy_id}/file", "toys:create", &upload).streams(),
    Endpoint::get("/toys/{toy_id}/file", "toys:list", &download),
    Endpoint::action("/toys/{toy_id}/action", "wind", "toys:create", &wind),
    Endpoint::get("/traced", "toys:list", &traced).traced(),
    Endpoint::get("/pages", "toys:list", &pages),
    Endpoint::get("/slow", "toys:list", &slow),
    Endpoint::get("/quota", "toys:list", &over_quota),
    Endpoint::get("/explode", "toys:list", &explode),
    Endpoint::get("/forgetful", "toys:list", &forgetful).deferred(),
    Endpoint::get("/admin", "toys:admin", &list),
    Endpoint::get("/open", "", &list).unauthenticated(),
];

/// Rows with microversions, for the dialects that have them.
pub static VERSIONED: &[Endpoint<Toy>] = &[
    Endpoint::get("/old", "toys:list", &list).until(2, 35),
    Endpoint::get("/changed", "toys:list", &list).until(2, 9),
    Endpoint::get("/changed", "toys:list", &show_new).since(2, 10),
];

async fn traced(_: Arc<Toy>, request: Request) -> Result<Reply, Fault> {
    let spans = request.context.trace.take();
    Ok(Reply::ok(json!({ "spans": spans.iter().map(|span| &span.name).collect::<Vec<_>>() })))
}

async fn show_new(_: Arc<Toy>, _: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(json!({ "new": true })))
}

pub static RULES: &[Rule] = &[
    Rule::new("toys:list", "role:reader", "List toys."),
    Rule::new("toys:show", "rule:project_reader_or_admin", "Show a toy."),
    Rule::new("toys:create", "rule:project_member_or_admin", "Make a toy."),
    Rule::new("toys:admin", "rule:admin_required", "Play with everything."),
];

/// Limits that a test can run into quickly.
pub fn limits() -> Limits {
    Limits {
        max_body_bytes: 4096,
        header_timeout: Duration::from_millis(400),
        body_timeout: Duration::from_millis(300),
        drain_timeout: Duration::from_secs(5),
        ..Limits::default()
    }
}

/// All of `dialects` in one application.
pub fn app_with(dialects: &[&'static Dialect], limits: Limits, toy: &Arc<Toy>) -> App {
    static PLAIN: &[&[Endpoint<Toy>]] = &[ENDPOINTS];
    static WITH_VERSIONS: &[&[Endpoint<Toy>]] = &[ENDPOINTS, VERSIONED];
    let mut builder = App::new(limits, Arc::new(SystemClock)).public_url("http://cloud.test/");
    for dialect in dialects {
        let tables = if dialect.service_type == "compute" { WITH_VERSIONS } else { PLAIN };
        builder = builder.mount(
            Service::new(dialect, Arc::clone(toy), tables).rules(RULES).authenticator(Arc::new(KnownTokens::usual())),
        );
    }
    builder.build().unwrap()
}

pub static ALL: [&Dialect; 6] = [
    &http_kit::dialect::KEYSTONE,
    &http_kit::dialect::NOVA,
    &http_kit::dialect::CINDER,
    &http_kit::dialect::NEUTRON,
    &http_kit::dialect::GLANCE,
    &http_kit::dialect::PLACEMENT,
];

/// An application that listens.
pub struct Listening {
    pub address: SocketAddr,
    pub toy: Arc<Toy>,
    pub app: App,
    shutdown: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Listening {
    pub async fn start(limits: Limits) -> Self {
        Self::start_with(limits, None).await
    }

    /// Behind TLS, where it is given.
    pub async fn start_with(limits: Limits, tls: Option<Arc<Tls>>) -> Self {
        let toy = Arc::new(Toy::default());
        let app = app_with(&[&http_kit::dialect::NOVA, &http_kit::dialect::KEYSTONE], limits, &toy);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn({
            let (app, shutdown) = (app.clone(), shutdown.clone());
            async move {
                match tls {
                    Some(tls) => app.serve_tls(listener, tls, shutdown).await,
                    None => app.serve(listener, shutdown).await,
                }
            }
        });
        Self { address, toy, app, shutdown, serving }
    }

    pub async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// Asks it to stop, without waiting.
    pub fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Waits until it has stopped.
    pub async fn stopped(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.serving).await.unwrap().unwrap();
    }
}

/// Waits until `condition` holds.
pub async fn until(condition: impl Fn() -> bool) {
    tokio::time::timeout(Duration::from_secs(5), async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

/// A client that says exactly what it is told.
pub struct Client(pub TcpStream);

impl Client {
    pub async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Sends a request of the member with `body`.
    pub async fn send(&mut self, method: &str, path: &str, body: &str) {
        let length = body.len();
        self.say(&format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nx-auth-token: member\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
    }

    /// The next answer: its head, and a body of the length that it says (`HEAD` has none).
    pub async fn answer(&mut self, has_body: bool) -> (String, String) {
        tokio::time::timeout(Duration::from_secs(5), async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.0.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
            let mut body = vec![0; length.filter(|_| has_body).unwrap_or(0)];
            self.0.read_exact(&mut body).await.unwrap();
            (head, String::from_utf8(body).unwrap())
        })
        .await
        .unwrap()
    }

    /// Everything up to the end of the connection.
    pub async fn rest(&mut self) -> String {
        let mut all = Vec::new();
        tokio::time::timeout(Duration::from_secs(5), self.0.read_to_end(&mut all)).await.unwrap().ok();
        String::from_utf8_lossy(&all).into_owned()
    }
}
