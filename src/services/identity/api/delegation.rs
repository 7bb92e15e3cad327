//! What tokens must not be used for that were handed on: by a trust, to an application, to a consumer.

use http_kit::Request;
use kit::{Basis, Fault, Identity};

use super::caller;
use crate::error;

/// 403 for the tokens of trusts and access tokens: what they made would outlive them.
pub(super) fn refuse_handed_on(request: &Request) -> Result<(), Fault> {
    match caller(request)?.basis {
        Basis::Trust(_) | Basis::AccessToken(_) => Err(error::forbidden()),
        _ => Ok(()),
    }
}

/// 403 for the tokens of restricted application credentials, which must not manage `what`.
pub(super) fn refuse_restricted(request: &Request, what: &str) -> Result<(), Fault> {
    match &caller(request)?.basis {
        Basis::ApplicationCredential(credential) if credential.restricted => Err(error::forbidden_action(format!(
            "Using method 'application_credential' is not allowed for managing additional {what}."
        ))),
        _ => Ok(()),
    }
}

/// 403 for the tokens of any application credential: trusts are not theirs to see or to give.
pub(super) fn refuse_applications(request: &Request) -> Result<(), Fault> {
    if caller(request)?.methods.iter().any(|method| method == "application_credential") {
        let text = "Using method 'application_credential' is not allowed for managing trusts.";
        return Err(error::forbidden_action(text));
    }
    Ok(())
}

/// Whether `identity` may have to do with a credential of `project_id`: what was handed on is for one project, and
/// what belongs to no project (such as a TOTP seed) is the user's alone.
pub(super) fn reaches(identity: &Identity, project_id: Option<&str>) -> bool {
    !identity.is_delegated() || identity.project().map(|project| project.id.as_str()) == project_id
}

#[cfg(test)]
mod tests {
    use kit::basis::TrustRef;

    use super::*;

    #[test]
    fn what_was_handed_on_reaches_its_own_project_only() {
        let mut identity = http_kit::testing::identity("p", "u", &["member"]);
        assert!(reaches(&identity, Some("q")) && reaches(&identity, None));
        identity.basis = Basis::Trust(TrustRef {
            id: "t".to_owned(),
            trustor_user_id: "u".into(),
            trustee_user_id: "v".into(),
            impersonation: true,
        });
        assert!(reaches(&identity, Some("p")));
        assert!(!reaches(&identity, Some("q")) && !reaches(&identity, None));
    }
}
