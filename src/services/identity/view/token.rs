//! Tokens.

use kit::time::{from_micros, micros_z, to_micros};
use kit::{Basis, DomainRef, Identity, RoleRef, Scope, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::put;
use crate::token::receipt::Receipt;

/// The body of an answer about a token.
#[derive(Serialize)]
pub(crate) struct Body<'a> {
    token: Said<'a>,
}

/// The catalog is by far the most of it, and shared.
#[derive(Serialize)]
struct Said<'a> {
    #[serde(flatten)]
    token: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    catalog: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_providers: Option<&'a Value>,
}

/// What a token says, with the catalog where one is wanted, and the service providers where there are any.
pub(crate) fn body<'a>(
    identity: &Identity,
    catalog: Option<&'a Value>,
    service_providers: Option<&'a Value>,
) -> Body<'a> {
    Body { token: Said { token: token(identity), catalog, service_providers } }
}

fn token(identity: &Identity) -> Value {
    let mut token = json!({
        "methods": identity.methods,
        "user": {
            "domain": domain(&identity.user.domain),
            "id": identity.user.id,
            "name": identity.user.name,
            "password_expires_at": super::user::password_end(identity.user.password_expires_at),
        },
        "audit_ids": identity.audit_ids,
        "expires_at": whole_seconds(identity.expires_at),
        "issued_at": whole_seconds(identity.issued_at),
    });
    put_basis(&mut token, identity);
    match &identity.scope {
        Scope::Unscoped => return token,
        Scope::Project(project) => {
            put(
                &mut token,
                "project",
                json!({ "domain": domain(&project.domain), "id": project.id, "name": project.name }),
            );
            if !matches!(identity.basis, Basis::Trust(_)) {
                put(&mut token, "is_domain", json!(false));
            }
        }
        Scope::Domain(scoped) => put(&mut token, "domain", domain(scoped)),
        Scope::System => put(&mut token, "system", json!({ "all": true })),
    }
    put(&mut token, "roles", identity.roles.iter().map(role).collect());
    token
}

/// What is told to a client that has to prove more.
pub(crate) fn receipt(receipt: &Receipt) -> Value {
    json!({
        "receipt": {
            "methods": receipt.methods.names(),
            "user": {
                "domain": domain(&receipt.user.domain),
                "id": receipt.user.id,
                "name": receipt.user.name,
            },
            "expires_at": whole_seconds(receipt.expires_at),
            "issued_at": whole_seconds(receipt.issued_at),
        },
        "required_auth_methods": receipt.required,
    })
}

/// What it says of what its rights rest on.
fn put_basis(token: &mut Value, identity: &Identity) {
    match &identity.basis {
        Basis::User => {}
        Basis::ApplicationCredential(it) => {
            let mut value = json!({ "id": it.id, "name": it.name, "restricted": it.restricted });
            if let Some(rules) = &it.access_rules {
                put(&mut value, "access_rules", rules.iter().map(super::application_credential::brief).collect());
            }
            put(token, "application_credential", value);
        }
        Basis::Trust(it) => {
            let value = json!({
                "id": it.id,
                "trustor_user": { "id": it.trustor_user_id },
                "trustee_user": { "id": it.trustee_user_id },
                "impersonation": it.impersonation,
            });
            put(token, "OS-TRUST:trust", value);
        }
        Basis::Federation(it) => {
            let groups: Vec<Value> = it.groups.iter().map(|id| json!({ "id": id })).collect();
            let said = json!({
                "groups": groups,
                "identity_provider": { "id": it.identity_provider },
                "protocol": { "id": it.protocol },
            });
            if let Some(Value::Object(user)) = token.get_mut("user") {
                user.remove("password_expires_at");
                user.insert("OS-FEDERATION".to_owned(), said);
            }
        }
        Basis::AccessToken(it) => {
            put(token, "OS-OAUTH1", json!({ "access_token_id": it.id, "consumer_id": it.consumer_id }));
        }
        Basis::Certificate(it) => put(token, "oauth2_credential", json!({ "x5t#S256": it.thumbprint })),
    }
}

fn domain(domain: &DomainRef) -> Value {
    json!({ "id": domain.id, "name": domain.name })
}

fn role(role: &RoleRef) -> Value {
    json!({ "id": role.id, "name": role.name })
}

/// Fernet tokens know whole seconds only, and clients compare what they print.
fn whole_seconds(at: Timestamp) -> String {
    let micros = to_micros(at);
    micros_z(from_micros(micros - micros.rem_euclid(1_000_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_has_its_form() {
        let mut identity = http_kit::testing::identity("p", "u", &["reader"]);
        identity.issued_at = from_micros(1_795_354_234_999_999);
        identity.expires_at = from_micros(1_795_357_834_000_000);
        insta::assert_json_snapshot!(json!(body(&identity, Some(&json!([])), None)), @r#"
        {
          "token": {
            "audit_ids": [
              "audit"
            ],
            "catalog": [],
            "expires_at": "2026-11-22T14:30:34.000000Z",
            "is_domain": false,
            "issued_at": "2026-11-22T13:30:34.000000Z",
            "methods": [
              "password"
            ],
            "project": {
              "domain": {
                "id": "default",
                "name": "Default"
              },
              "id": "p",
              "name": "p"
            },
            "roles": [
              {
                "id": "reader-id",
                "name": "reader"
              }
            ],
            "user": {
              "domain": {
                "id": "default",
                "name": "Default"
              },
              "id": "u",
              "name": "u",
              "password_expires_at": null
            }
          }
        }
        "#);
        let keys = |identity: &Identity| {
            let value = json!(body(identity, (identity.scope != Scope::Unscoped).then_some(&json!([])), None));
            value["token"].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
        };
        identity.scope = Scope::System;
        assert_eq!(keys(&identity), "audit_ids catalog expires_at issued_at methods roles system user");
        identity.scope = Scope::Domain(identity.user.domain.clone());
        assert_eq!(keys(&identity), "audit_ids catalog domain expires_at issued_at methods roles user");
        identity.scope = Scope::Unscoped;
        assert_eq!(keys(&identity), "audit_ids expires_at issued_at methods user");
    }
}
