//! The REST kit: endpoints as data, and everything a service API shares.
//!
//! A service owns `static` tables of [`Endpoint`]s, a state and a table of policy [`Rule`]s; the kit owns
//! the socket, the limits, authentication, microversions, routing, validation, policy, error bodies,
//! discovery documents, pagination, filters and the access log. It knows how each OpenStack API
//! *speaks* ([`Dialect`]), and nothing about what any of them *does*: no handler, table of SQL or bus here.

mod access;
pub mod app;
pub mod audit;
mod body;
pub mod compatibility;
pub mod dialect;
mod discovery;
pub mod endpoint;
mod envelope;
pub mod fields;
pub mod filter;
mod home;
pub mod limits;
mod listen;
mod location;
pub mod meter;
pub mod page;
pub mod policy;
mod python;
pub mod query;
mod render;
pub mod reply;
pub mod request;
mod routes;
mod run;
mod serve;
pub mod service;
pub mod sql;
pub mod testing;
mod tls;
pub mod validate;
pub mod version;

pub use app::{App, Builder, RawHandler};
pub use audit::Auditor;
pub use body::{BoxError, ResponseBody};
pub use dialect::Dialect;
pub use discovery::cinder as cinder_versions;
pub use endpoint::{BodyKind, BoxFuture, Endpoint, Handler};
pub use fields::Fields;
pub use filter::{Filter, FilterKind};
pub use home::Describe;
pub use limits::Limits;
pub use meter::{Metering, RouteMetrics};
pub use page::{Direction, Paging, Sortable};
pub use policy::{Overrides, Policies, Policy, Rule, Scopes, Target};
pub use query::Query;
pub use reply::Reply;
pub use request::{BodyStream, Request, peer};
pub use service::{Authenticator, BuildError, Service};
pub use sql::{Condition, SqlValue};
pub use tls::Tls;
pub use version::Microversion;

pub use bytes::Bytes;
pub use hyper::header;
pub use hyper::{HeaderMap, Method, StatusCode};
