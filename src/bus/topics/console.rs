//! Topic `console`: what a console token opens. Tokens are made and kept by compute.

use kit::Secret;
use kit::ids::{HostId, ServerId};
use serde::{Deserialize, Serialize};

use super::compute_agent::ConsoleEndpoint;
use crate::rpc;

/// The topic's name.
pub const TOPIC: &str = "console";

rpc! { TOPIC:
    AuthorizeConsole => ConsoleGrant,
}

/// What does this token open? 404 when it is unknown or expired.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuthorizeConsole {
    /// The token from the console's URL.
    pub token: Secret,
}

/// A console that may be opened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConsoleGrant {
    /// Whose.
    pub server_id: ServerId,
    /// On which host.
    pub host: HostId,
    /// Where it listens there.
    pub endpoint: ConsoleEndpoint,
}
