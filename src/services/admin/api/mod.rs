//! `/cloudbox/v1`.

mod audit;
mod policy;
mod status;

use http_kit::Endpoint;

use crate::Admin;

/// All endpoints.
pub(crate) static TABLES: &[&[Endpoint<Admin>]] = &[audit::ENDPOINTS, policy::ENDPOINTS, status::ENDPOINTS];
