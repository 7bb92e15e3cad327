//! The REST surface: one file per resource, each with its table of endpoints.

pub mod data;
pub mod images;
pub mod tags;

use http_kit::Endpoint;

use crate::Images;

/// All endpoints.
pub static TABLES: &[&[Endpoint<Images>]] = &[images::ENDPOINTS, data::ENDPOINTS, tags::ENDPOINTS];
