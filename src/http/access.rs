//! Access rules: the tokens of some application credentials are good for a few kinds of request only.
//!
//! Identity says which ([`kit::AccessRule`]); every service holds itself to it here, before it looks at anything else.

use hyper::Method;
use kit::Identity;

use crate::app::below;
use crate::dialect::{Api, Dialect};

/// Whether a token of `identity` is good for `method` on `path` of the service that speaks `dialect`.
///
/// A rule may be written for the path as the client sends it, or for the service's own part of it. Everybody may ask
/// what a token says.
pub(crate) fn permits(identity: &Identity, dialect: &Dialect, method: &Method, path: &str) -> bool {
    let local = below(path, dialect.mount).unwrap_or_default();
    let about_a_token = dialect.api == Api::Keystone && method == Method::GET && local.ends_with("/v3/auth/tokens");
    about_a_token || identity.permits(dialect.service_type, method.as_str(), &[path, local])
}

#[cfg(test)]
mod tests {
    use kit::basis::ApplicationCredentialRef;
    use kit::{AccessRule, Basis};

    use super::*;
    use crate::dialect::{KEYSTONE, NOVA};

    fn identity(rules: Option<&[(&str, &str, &str)]>) -> Identity {
        let rule = |(service, method, path): &(&str, &str, &str)| AccessRule {
            id: "r".to_owned(),
            service: (*service).to_owned(),
            method: (*method).to_owned(),
            path: (*path).to_owned(),
        };
        let access_rules = rules.map(|rules| rules.iter().map(rule).collect());
        let mut identity = crate::testing::identity("p", "u", &["member"]);
        identity.basis = Basis::ApplicationCredential(ApplicationCredentialRef {
            id: "a".to_owned(),
            name: "a".to_owned(),
            restricted: true,
            access_rules,
        });
        identity
    }

    #[test]
    fn only_what_a_rule_names_is_allowed_where_there_are_rules() {
        let path = "/compute/v2.1/servers";
        assert!(permits(&identity(None), &NOVA, &Method::GET, path));
        assert!(!permits(&identity(Some(&[])), &NOVA, &Method::GET, path));
        for written in [path, "/v2.1/servers", "/v2.1/**", "/compute/**"] {
            let identity = identity(Some(&[("compute", "GET", written)]));
            assert!(permits(&identity, &NOVA, &Method::GET, path), "{written}");
            assert!(!permits(&identity, &NOVA, &Method::POST, path), "{written}");
            assert!(!permits(&identity, &KEYSTONE, &Method::GET, path), "{written}");
        }
    }

    #[test]
    fn everybody_may_ask_what_a_token_says() {
        let identity = identity(Some(&[]));
        assert!(permits(&identity, &KEYSTONE, &Method::GET, "/identity/v3/auth/tokens"));
        assert!(!permits(&identity, &KEYSTONE, &Method::DELETE, "/identity/v3/auth/tokens"));
        assert!(!permits(&identity, &KEYSTONE, &Method::GET, "/identity/v3/users"));
    }
}
