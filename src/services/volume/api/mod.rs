//! The REST surface: one file per resource, each with its table of endpoints.

pub mod attachments;
pub mod quotas;
pub mod services;
pub mod types;
pub mod volumes;

use http_kit::Endpoint;

use crate::Volumes;

/// All endpoints.
pub static TABLES: &[&[Endpoint<Volumes>]] =
    &[volumes::ENDPOINTS, attachments::ENDPOINTS, types::ENDPOINTS, quotas::ENDPOINTS, services::ENDPOINTS];
