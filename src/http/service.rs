//! A service: its dialect, its state, its tables; and what is made of them at start.
//!
//! Preparing a service compiles its routes, schemas and policy, and refuses what contradicts itself, so that a
//! request can rely on all of it. The state's type is erased here: the rest of the kit knows rows by index.

use std::sync::Arc;

use hyper::Method;
use kit::{Fault, Identity, RequestContext, Secret};

use crate::dialect::Dialect;
use crate::endpoint::{BodyKind, BoxFuture, Endpoint, Handler};
use crate::home::{self, Home};
use crate::meter::Meter;
use crate::policy::{Overrides, Policies, Policy, PolicyError, Rule, Scopes};
use crate::reply::Reply;
use crate::request::Request;
use crate::routes::{self, Routes};
use crate::validate::Lazy;
use crate::version::Microversion;

/// Turns a token into what it says. The appliance implements it as a call to identity.
pub trait Authenticator: Send + Sync {
    /// What `token` says; [`Unauthorized`](kit::FaultKind::Unauthorized) where it is not valid.
    fn authenticate<'a>(
        &'a self,
        context: &'a RequestContext,
        token: &'a Secret,
    ) -> BoxFuture<'a, Result<Arc<Identity>, Fault>>;
}

/// Why the services cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A path that cannot be told from another.
    #[error("the path {path:?} cannot be routed")]
    Path {
        /// The row's path.
        path: &'static str,
        /// Why not.
        source: matchit::InsertError,
    },
    /// Two rows for the same request.
    #[error("{service}: two rows answer {row}")]
    Ambiguous {
        /// The service.
        service: &'static str,
        /// Method, path and action.
        row: String,
    },
    /// A row whose rule does not exist.
    #[error("{service}: {row} needs the policy rule {rule:?}, which does not exist")]
    UnknownRule {
        /// The service.
        service: &'static str,
        /// Method, path and action.
        row: String,
        /// The rule.
        rule: &'static str,
    },
    /// A row whose schema is none.
    #[error("{service}: the schema of {row} cannot be used: {reason}")]
    Schema {
        /// The service.
        service: &'static str,
        /// Method, path and action.
        row: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The service has rows that want a token, and nobody to check it.
    #[error("{service} has no authenticator")]
    NoAuthenticator {
        /// The service.
        service: &'static str,
    },
    /// Two services in one place.
    #[error("two services are mounted at {0}")]
    SameMount(&'static str),
    /// The policy cannot be used.
    #[error("{service}: the policy cannot be used")]
    Policy {
        /// The service.
        service: &'static str,
        /// Why not.
        source: PolicyError,
    },
    /// The policy file names what no service has.
    #[error("the policy file cannot be used")]
    Overrides(#[source] PolicyError),
}

/// One service's API.
pub struct Service<S: 'static> {
    dialect: &'static Dialect,
    state: Arc<S>,
    tables: &'static [&'static [Endpoint<S>]],
    rules: Vec<&'static [Rule]>,
    home: Option<home::Describe>,
    scopes: Scopes,
    authenticator: Option<Arc<dyn Authenticator>>,
}

/// A row, without its handler: for sweeping tests and for documentation.
#[derive(Debug, Clone)]
pub struct RowInfo {
    /// The service's name in the catalog.
    pub service: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// Where the service is: `/compute/v2.1`.
    pub prefix: String,
    /// The path below that.
    pub path: &'static str,
    /// The action, where it is one.
    pub action: Option<&'static str>,
    /// The policy rule.
    pub rule: &'static str,
    /// The first microversion.
    pub since: Option<Microversion>,
    /// The last microversion.
    pub until: Option<Microversion>,
    /// Whether it is answered without a token.
    pub unauthenticated: bool,
    /// Whether the handler enforces the rule.
    pub deferred: bool,
    /// Whether its requests are traced.
    pub traced: bool,
    /// Whether it is how somebody authenticates.
    pub authenticates: bool,
    /// How the body reaches the handler.
    pub body: BodyKind,
    /// The status of a reply that names none.
    pub success: Option<u16>,
}

impl RowInfo {
    /// The whole path with each parameter replaced by `value`.
    #[must_use]
    pub fn example_path(&self, value: &str) -> String {
        let (template, names) = routes::template(self.path);
        let path = (0..names.len()).fold(template, |path, index| {
            path.replace(&format!("{{p{index}}}"), value).replace(&format!("{{*p{index}}}"), value)
        });
        format!("{}{}", self.prefix, if path == "/" { "" } else { &path })
    }

    /// Method, path and action, to name it by.
    #[must_use]
    pub fn name(&self) -> String {
        let action = self.action.map(|action| format!(" ({action})")).unwrap_or_default();
        format!("{} {}{}{action}", self.method, self.prefix, self.path)
    }
}

impl<S: Send + Sync + 'static> Service<S> {
    /// A service that speaks `dialect`, with the endpoints of all `tables`.
    #[must_use]
    pub fn new(dialect: &'static Dialect, state: Arc<S>, tables: &'static [&'static [Endpoint<S>]]) -> Self {
        Self { dialect, state, tables, rules: Vec::new(), scopes: Scopes::ANY, home: None, authenticator: None }
    }

    /// With policy rules. Several tables can be added; later ones go over earlier ones.
    #[must_use]
    pub fn rules(mut self, rules: &'static [Rule]) -> Self {
        self.rules.push(rules);
        self
    }

    /// With a JSON home document: `describe` makes it of all paths of the rows, for clients that accept
    /// `application/json-home`.
    #[must_use]
    pub fn home(mut self, describe: home::Describe) -> Self {
        self.home = Some(describe);
        self
    }

    /// With rules for these kinds of tokens, where a rule does not name its own.
    #[must_use]
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// With who checks tokens.
    #[must_use]
    pub fn authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.authenticator = Some(authenticator);
        self
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = RowInfo> {
        self.endpoints().map(|endpoint| info(self.dialect, endpoint))
    }

    fn endpoints(&self) -> impl Iterator<Item = &'static Endpoint<S>> + use<S> {
        self.tables.iter().flat_map(|table| table.iter())
    }

    /// Prepares it for requests.
    pub(crate) fn prepare(self, overrides: &Overrides, policies: &Arc<Policies>) -> Result<Mount, BuildError> {
        let service = self.dialect.name;
        let number = policies
            .add(service, self.rules.clone(), self.scopes, overrides)
            .map_err(|source| BuildError::Policy { service, source })?;
        let policy = policies.of(number);
        let mut routes = Routes::default();
        let mut rows = Vec::<Row>::new();
        let mut handlers = Vec::new();
        for endpoint in self.endpoints() {
            let row = prepare_row(self.dialect, endpoint, &policy)?;
            if rows.iter().any(|other| other.collides_with(&row)) {
                return Err(BuildError::Ambiguous { service, row: row.info.name() });
            }
            if self.authenticator.is_none() && !endpoint.unauthenticated {
                return Err(BuildError::NoAuthenticator { service });
            }
            routes.add(endpoint.path, &endpoint.method, rows.len())?;
            rows.push(row);
            handlers.push(endpoint.handler);
        }
        let home = self.home.map(|describe| Home::new(self.dialect, describe, self.endpoints().map(|row| row.path)));
        Ok(Mount {
            dialect: self.dialect,
            home,
            routes,
            rows,
            meter: Meter::default(),
            policies: (Arc::clone(policies), number),
            authenticator: self.authenticator,
            dispatch: Box::new(Table { state: self.state, handlers }),
        })
    }
}

fn info<S>(dialect: &Dialect, endpoint: &Endpoint<S>) -> RowInfo {
    RowInfo {
        service: dialect.name,
        method: endpoint.method.clone(),
        prefix: dialect.prefix(),
        path: endpoint.path,
        action: endpoint.action,
        rule: endpoint.rule,
        since: endpoint.since,
        until: endpoint.until,
        unauthenticated: endpoint.unauthenticated,
        deferred: endpoint.deferred,
        traced: endpoint.traced,
        authenticates: endpoint.authenticates,
        body: endpoint.body,
        success: endpoint.success,
    }
}

fn prepare_row<S>(dialect: &'static Dialect, endpoint: &Endpoint<S>, policy: &Policy) -> Result<Row, BuildError> {
    let info = info(dialect, endpoint);
    let service = dialect.name;
    if !endpoint.rule.is_empty() && !policy.has(endpoint.rule) {
        return Err(BuildError::UnknownRule { service, row: info.name(), rule: endpoint.rule });
    }
    let compile = |text: Option<&'static str>| {
        text.map(Lazy::new).transpose().map_err(|reason| BuildError::Schema { service, row: info.name(), reason })
    };
    let (_, names) = routes::template(endpoint.path);
    let (schema, query_schema) = (compile(endpoint.schema)?, compile(endpoint.query_schema)?);
    Ok(Row { names, schema, query_schema, info, meter: Meter::default() })
}

/// A service, prepared.
pub(crate) struct Mount {
    pub(crate) dialect: &'static Dialect,
    pub(crate) home: Option<Home>,
    pub(crate) routes: Routes,
    pub(crate) rows: Vec<Row>,
    /// Counts requests that came to no row.
    pub(crate) meter: Meter,
    /// Those of all services, and this one's number among them.
    policies: (Arc<Policies>, usize),
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    pub(crate) dispatch: Box<dyn Dispatch>,
}

impl Mount {
    /// The policy in force.
    pub(crate) fn policy(&self) -> Arc<Policy> {
        self.policies.0.of(self.policies.1)
    }
}

/// A row, prepared.
pub(crate) struct Row {
    pub(crate) info: RowInfo,
    pub(crate) names: Vec<&'static str>,
    pub(crate) schema: Option<Lazy>,
    pub(crate) query_schema: Option<Lazy>,
    pub(crate) meter: Meter,
}

impl Row {
    /// Whether both could answer the same request.
    fn collides_with(&self, other: &Self) -> bool {
        let (one, two) = (&self.info, &other.info);
        one.method == two.method
            && one.action == two.action
            && routes::template(one.path).0 == routes::template(two.path).0
            && one.since.is_none_or(|since| two.until.is_none_or(|until| since <= until))
            && two.since.is_none_or(|since| one.until.is_none_or(|until| since <= until))
    }
}

/// Calls a row's handler, whatever its state's type is.
pub(crate) trait Dispatch: Send + Sync {
    /// Calls the handler of the row `index`; `None` where there is no such row.
    fn call(&self, index: usize, request: Request) -> Option<BoxFuture<'static, Result<Reply, Fault>>>;
}

struct Table<S: 'static> {
    state: Arc<S>,
    handlers: Vec<&'static dyn Handler<S>>,
}

impl<S: Send + Sync> Dispatch for Table<S> {
    fn call(&self, index: usize, request: Request) -> Option<BoxFuture<'static, Result<Reply, Fault>>> {
        Some(self.handlers.get(index)?.call(Arc::clone(&self.state), request))
    }
}
