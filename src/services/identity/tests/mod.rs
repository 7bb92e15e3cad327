//! The service through its REST API and its topic, over a real store, with a clock that the tests drive.

mod application_credentials;
mod assignments;
mod catalog;
mod clocks;
mod credentials;
mod discovery;
mod domain_config;
mod endpoint_groups;
mod federated_login;
mod federation;
mod groups;
mod limits;
mod login_limits;
mod multi_factor;
mod oauth;
mod passwords;
mod people;
mod policies;
mod policy;
mod projects;
mod roles;
mod tokens;
mod trusts;

use std::sync::Arc;
use std::time::Duration;

use bus::topics::identity::ValidateToken;
use bus::{Bus, Target, Transport};
use http_kit::testing::{Answer, call};
use http_kit::{App, Authenticator, BoxFuture, Limits};
use kit::config::IdentityConfig;
use kit::{Fault, Identity, ManualClock, RequestContext, Secret, SharedClock, SystemClock, Timestamp};
use serde_json::{Value, json};
use store::testing::TestStore;

use crate::{IdentityService, MIGRATIONS};

const URL: &str = "http://cloud.test";

/// A cloud that has identity only.
struct Cloud {
    service: Arc<IdentityService>,
    app: App,
    clock: Arc<ManualClock>,
    client: bus::Client,
    password: Secret,
    /// The administrator's token for the project `admin`.
    admin: String,
    store: TestStore,
    _servers: Vec<bus::ServerHandle>,
}

/// Asks identity over the bus, as the appliance does.
struct OverTheBus(bus::Client);

impl Authenticator for OverTheBus {
    fn authenticate<'a>(
        &'a self,
        context: &'a RequestContext,
        token: &'a Secret,
    ) -> BoxFuture<'a, Result<Arc<Identity>, Fault>> {
        Box::pin(self.0.call(context, Target::Any, ValidateToken { token: token.clone() }))
    }
}

fn config() -> IdentityConfig {
    IdentityConfig::default()
}

impl Cloud {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With settings of its own.
    async fn start_with(set: impl FnOnce(&mut IdentityConfig)) -> Self {
        let mut config = config();
        set(&mut config);
        let store = store::testing::store(&[MIGRATIONS]);
        let clock = Arc::new(ManualClock::new("2026-11-22T13:30:34.5Z".parse::<Timestamp>().unwrap()));
        let bus = Bus::new(bus::Options { transport: Transport::WireChecked, ..bus::Options::default() });
        let service = IdentityService::new(store.clone(), clock.clone(), config, store.directory());
        let password = service.bootstrap(URL, "RegionOne").await.unwrap().unwrap();
        let servers = service.serve(&bus);
        let client = bus.client("test");
        let rest = service.rest().authenticator(Arc::new(OverTheBus(client.clone())));
        // Requests are timed by the real clock; tokens by the test's.
        let requests: SharedClock = Arc::new(SystemClock);
        let app = App::new(Limits::default(), requests).public_url(URL).mount(rest).build().unwrap();
        let mut cloud = Self { service, app, clock, client, password, admin: String::new(), store, _servers: servers };
        cloud.admin =
            cloud.token("admin", Some(json!({"project": {"name": "admin", "domain": {"id": "default"}}}))).await;
        cloud
    }

    async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        call(&self.app, token, method, &format!("/identity/v3{path}"), &[], &body).await.unwrap()
    }

    /// As the administrator; the body of an answer with `status`.
    async fn admin(&self, status: u16, method: &str, path: &str, body: Value) -> Value {
        let answer = self.call(&self.admin, method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        answer.json()
    }

    /// Asks for a token; `user` is of the domain Default, and its password its own name but for the administrator's.
    async fn login(&self, user: &str, scope: Option<Value>) -> Answer {
        let password = if user == "admin" { self.password.expose() } else { user };
        self.login_with(user, password, scope).await
    }

    async fn login_with(&self, user: &str, password: &str, scope: Option<Value>) -> Answer {
        let user = json!({"name": user, "domain": {"id": "default"}, "password": password});
        let mut auth = json!({"identity": {"methods": ["password"], "password": {"user": user}}});
        if let Some(scope) = scope {
            auth["scope"] = scope;
        }
        self.call("", "POST", "/auth/tokens", json!({ "auth": auth })).await
    }

    async fn token(&self, user: &str, scope: Option<Value>) -> String {
        let answer = self.login(user, scope).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.header("x-subject-token").to_owned()
    }

    /// What another service is told about `token`.
    async fn validate(&self, token: &str) -> Result<Arc<Identity>, Fault> {
        let message = ValidateToken { token: Secret::new(token) };
        self.client.call(&RequestContext::service("compute"), Target::Any, message).await
    }

    /// A user of the domain Default whose password is its name; its id.
    async fn user(&self, name: &str) -> String {
        let body = json!({"user": {"name": name, "password": name}});
        id(&self.admin(201, "POST", "/users", body).await["user"])
    }

    async fn user_id(&self, name: &str) -> String {
        id(&self.admin(200, "GET", &format!("/users?name={name}"), Value::Null).await["users"][0])
    }

    async fn project(&self, name: &str) -> String {
        id(&self.admin(201, "POST", "/projects", json!({"project": {"name": name}})).await["project"])
    }

    async fn role(&self, name: &str) -> String {
        let roles = self.admin(200, "GET", &format!("/roles?name={name}"), Value::Null).await;
        id(&roles["roles"][0])
    }

    /// A user with `role` on a new project; all three ids.
    async fn member(&self, name: &str, role: &str) -> Member {
        let (user, project, role) = (self.user(name).await, self.project(name).await, self.role(role).await);
        let grant = format!("/projects/{project}/users/{user}/roles/{role}");
        self.admin(204, "PUT", &grant, Value::Null).await;
        let scope = json!({"project": {"id": project}});
        Member { grant, scope, user, project }
    }

    /// A group of the domain Default; its id.
    async fn group(&self, name: &str, members: &[&str]) -> String {
        let group = id(&self.admin(201, "POST", "/groups", json!({"group": {"name": name}})).await["group"]);
        for user in members {
            self.admin(204, "PUT", &format!("/groups/{group}/users/{user}"), Value::Null).await;
        }
        group
    }

    /// Does something to a path that takes no body and gives none.
    async fn quietly(&self, method: &str, path: &str) {
        self.admin(204, method, path, Value::Null).await;
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

struct Member {
    user: String,
    project: String,
    grant: String,
    scope: Value,
}

fn id(thing: &Value) -> String {
    thing["id"].as_str().unwrap().to_owned()
}

fn message(answer: &Answer) -> String {
    answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
}

fn names(list: &Value) -> Vec<String> {
    let mut names: Vec<String> =
        list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}
