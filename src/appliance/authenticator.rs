//! Tokens are checked by asking identity over the bus (step B3 of a boot).

use std::sync::Arc;

use bus::topics::identity::ValidateToken;
use bus::{Client, Target};
use http_kit::Authenticator;
use http_kit::endpoint::BoxFuture;
use kit::{Fault, Identity, RequestContext, Secret};

/// Checks the tokens of one service's requests.
pub(super) struct BusAuthenticator(Client);

impl BusAuthenticator {
    /// Asks through `client`, in the name of its service.
    pub(super) fn new(client: Client) -> Self {
        Self(client)
    }
}

impl Authenticator for BusAuthenticator {
    fn authenticate<'a>(
        &'a self,
        context: &'a RequestContext,
        token: &'a Secret,
    ) -> BoxFuture<'a, Result<Arc<Identity>, Fault>> {
        Box::pin(self.0.call(context, Target::Any, ValidateToken { token: token.clone() }))
    }
}
