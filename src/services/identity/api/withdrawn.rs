//! What Keystone still has paths for, and no longer does: everything of PKI tokens.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;

use crate::{IdentityService, error};

pub(crate) static ENDPOINTS: &[Endpoint<IdentityService>] = &[
    Endpoint::get("/OS-SIMPLE-CERT/ca", "", &gone).unauthenticated(),
    Endpoint::get("/OS-SIMPLE-CERT/certificates", "", &gone).unauthenticated(),
    Endpoint::get("/auth/tokens/OS-PKI/revoked", "", &forbidden).unauthenticated(),
];

async fn gone(_: Arc<IdentityService>, _: Request) -> Result<Reply, Fault> {
    Err(Fault::gone("This API is no longer available due to the removal of support for PKI tokens."))
}

/// Keystone's answer while tokens can be revoked one by one, as they always can here.
async fn forbidden(_: Arc<IdentityService>, _: Request) -> Result<Reply, Fault> {
    Err(error::forbidden())
}
