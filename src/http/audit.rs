//! What is put on record: every request that changes something or authenticates somebody, once it is decided.
//!
//! A record is begun when a row is found for the request, whoever sends it, and ended with the answer's status: by the
//! handler's task, which outlives its client, or where the request was refused before it came to one. It is given to the
//! [`Auditor`] that the application was built with. It holds who, what, on what and what came of it; never a header, a
//! query or a body, so that no secret can be in it. A handler adds what only it knows: whose password was right
//! ([`Trail::initiator`]), or on what it acted ([`Trail::target`]).

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::header::HeaderMap;
use hyper::{Method, header};
use kit::{Identity, RequestContext, Scope, Timestamp};

use crate::endpoint::BoxFuture;
use crate::service::RowInfo;

/// The longest name or agent that is kept.
const LONGEST_TEXT: usize = 255;

/// Takes records: in the order of their calls, waiting where there are too many.
pub trait Auditor: Send + Sync {
    /// Takes `event`.
    fn record(&self, event: Event) -> BoxFuture<'_, ()>;
}

/// Somebody or something, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Party {
    /// The id.
    pub id: Option<String>,
    /// The name.
    pub name: Option<String>,
}

/// What is put on record of a request.
#[derive(Debug, Clone)]
pub struct Event {
    /// When the request arrived.
    pub at: Timestamp,
    /// `create`, `update`, `delete`, `authenticate`, or `update/os-start` for an action.
    pub action: String,
    /// The status of the answer.
    pub status: u16,
    /// Who asked.
    pub initiator: Party,
    /// The project that his token is for.
    pub project: Party,
    /// The domain that his token is for.
    pub domain: Party,
    /// From where.
    pub address: Option<IpAddr>,
    /// With what program, as it says.
    pub agent: Option<String>,
    /// The kind of what was acted on: `service/compute/servers`.
    pub target_type: String,
    /// What was acted on.
    pub target: Party,
    /// The type of the service that decided.
    pub service: Cow<'static, str>,
    /// The service's name.
    pub service_name: Cow<'static, str>,
    /// The request's id.
    pub request_id: Arc<str>,
    /// The path of the request, without its query.
    pub path: String,
}

impl Event {
    /// Whether it was done.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.status < 400
    }
}

/// A record that is being made. Clones add to the same one; without an auditor there is none.
#[derive(Debug, Clone, Default)]
pub struct Trail(Option<Arc<Mutex<Event>>>);

impl Trail {
    /// Says who asks, where the request's own token does not: somebody who has just proved who he is.
    pub fn initiator(&self, identity: &Identity) {
        self.change(|event| fill(event, identity));
    }

    /// Says who claims to ask, and has not proved it.
    pub fn claimed(&self, id: Option<&str>, name: Option<&str>) {
        self.change(|event| event.initiator = Party { id: id.map(bounded), name: name.map(bounded) });
    }

    /// Says on what was acted.
    pub fn target(&self, id: &str, name: Option<&str>) {
        self.change(|event| event.target = Party { id: Some(bounded(id)), name: name.map(bounded) });
    }

    /// Begins the record of a request, where it is one that is recorded.
    pub(crate) fn begin(
        wanted: bool,
        at: Timestamp,
        context: &RequestContext,
        path: &str,
        headers: &HeaderMap,
    ) -> Self {
        if !wanted {
            return Self::default();
        }
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Self(Some(Arc::new(Mutex::new(Event {
            at,
            action: String::new(),
            status: 0,
            initiator: Party::default(),
            project: Party::default(),
            domain: Party::default(),
            address: None,
            agent: agent.map(bounded),
            target_type: String::new(),
            target: Party::default(),
            service: Cow::Borrowed(""),
            service_name: Cow::Borrowed(""),
            request_id: Arc::clone(&context.request_id),
            path: path.chars().take(LONGEST_TEXT * 4).collect(),
        }))))
    }

    /// Whether there is a record.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Says from where.
    pub(crate) fn from(&self, address: Option<IpAddr>) {
        self.change(|event| event.address = address);
    }

    /// Says which operation it is, on the path's `values`; `chosen`, if the body has already told which action.
    pub(crate) fn operation(&self, service: &'static str, row: &RowInfo, values: &[String], chosen: bool) {
        self.change(|event| {
            (event.service, event.service_name) = (service.into(), row.service.into());
            event.action = action(row, chosen);
            event.target_type = target_type(service, row.path);
            event.target.id = values.last().map(|value| bounded(value));
        });
    }

    /// Says whose token came with the request.
    pub(crate) fn caller(&self, context: &RequestContext) {
        if let Some(identity) = context.identity() {
            self.change(|event| fill(event, identity));
        }
    }

    /// Says what was made, as `look` finds it, where something was.
    pub(crate) fn made(&self, look: impl FnOnce() -> Option<Party>) {
        self.change(|event| {
            if let Some(made) = (event.action == "create").then(look).flatten().filter(|made| made.id.is_some()) {
                let short = |text: Option<String>| text.as_deref().map(bounded);
                event.target = Party { id: short(made.id), name: short(made.name) };
            }
        });
    }

    /// The record, ended; nothing where there is none, or it has been ended before.
    pub(crate) fn end(&mut self, status: u16) -> Option<Event> {
        let event = self.0.take()?;
        let mut event = lock(&event).clone();
        event.status = status;
        Some(event)
    }

    fn change(&self, change: impl FnOnce(&mut Event)) {
        if let Some(event) = &self.0 {
            change(&mut lock(event));
        }
    }
}

/// Whether a request to one of `rows` is put on record.
pub(crate) fn is_recorded<'r>(method: &Method, mut rows: impl Iterator<Item = &'r RowInfo>) -> bool {
    let changes = matches!(*method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    rows.any(|row| changes || row.authenticates)
}

fn lock(event: &Mutex<Event>) -> MutexGuard<'_, Event> {
    event.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fill(event: &mut Event, identity: &Identity) {
    let party = |id: &str, name: &str| Party { id: Some(bounded(id)), name: Some(bounded(name)) };
    event.initiator = party(identity.user.id.as_str(), &identity.user.name);
    match &identity.scope {
        Scope::Project(project) => event.project = party(project.id.as_str(), &project.name),
        Scope::Domain(domain) => event.domain = party(domain.id.as_str(), &domain.name),
        Scope::System | Scope::Unscoped => {}
    }
}

fn action(row: &RowInfo, chosen: bool) -> String {
    if row.authenticates {
        return "authenticate".to_owned();
    }
    match (row.action, row.method.as_str()) {
        (Some(action), _) if chosen => format!("update/{action}"),
        (Some(_), _) => "update".to_owned(),
        (None, "POST") => "create".to_owned(),
        (None, "DELETE") => "delete".to_owned(),
        (None, _) => "update".to_owned(),
    }
}

/// `service/compute/servers/os-interface` of `/servers/{server_id}/os-interface/{port_id}`.
fn target_type(service: &str, path: &str) -> String {
    let literal = path.split('/').filter(|part| !part.is_empty() && !part.starts_with('{') && *part != "action");
    std::iter::once("service").chain([service]).chain(literal).collect::<Vec<_>>().join("/")
}

/// Text of others, short and without what moves a terminal's cursor.
fn bounded(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_by_its_path() {
        assert_eq!(target_type("compute", "/servers/{server_id}/action"), "service/compute/servers");
        assert_eq!(target_type("compute", "/servers/{a}/os-interface/{b}"), "service/compute/servers/os-interface");
        assert_eq!(target_type("identity", "/auth/tokens"), "service/identity/auth/tokens");
    }

    #[test]
    fn text_of_others_is_bounded() {
        assert_eq!(bounded("a\n\u{1b}[31mb"), "a[31mb");
        assert_eq!(bounded(&"é".repeat(1000)).chars().count(), LONGEST_TEXT);
    }
}
