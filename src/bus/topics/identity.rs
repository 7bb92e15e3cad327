//! Topic `identity`: what Keystone answers the other services.

use std::collections::BTreeMap;
use std::sync::Arc;

use kit::ids::ProjectId;
use kit::{Caller, Fault, Identity, RequestContext, Secret};
use serde::{Deserialize, Serialize};

use crate::{Client, rpc};

/// The topic's name.
pub const TOPIC: &str = "identity";

rpc! { TOPIC:
    ValidateToken => Arc<Identity>,
    GetLimits => BTreeMap<String, i64>,
}

/// What does this token say? Fails with 401 when it is expired, revoked or not ours.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ValidateToken {
    /// The token as the client sent it.
    pub token: Secret,
}

/// What unified limits let a project have of a service's resources, by the resource's name: the project's own limit, or the
/// registered one. What is not registered is not in the answer; −1 is without end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetLimits {
    /// The service's type in the catalog: `image`.
    pub service_type: String,
    /// Whose.
    pub project_id: ProjectId,
}

/// Has identity validate the token that came with `context` once more, as each service does for itself
/// before it answers another (steps B11, B13, B15 of a boot).
///
/// A service's own request (no user behind it) passes; an anonymous one does not.
///
/// # Errors
/// 401 when there is no valid token; what the bus reports when identity does not answer.
pub async fn revalidate(client: &Client, context: &RequestContext) -> Result<(), Fault> {
    match &context.caller {
        Caller::Service(_) => Ok(()),
        Caller::Anonymous => Err(Fault::unauthorized("The request you have made requires authentication.")),
        Caller::User { token, .. } => {
            client.call(context, crate::Target::Any, ValidateToken { token: token.clone() }).await?;
            Ok(())
        }
    }
}
