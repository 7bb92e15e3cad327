//! Credentials that users keep here: EC2 keys, TOTP seeds, certificates, anything.
//!
//! The blob is the user's secret. That of an EC2 credential is a JSON object with an `access` and a `secret`; made with
//! a token that was handed on, it says by what, so that what it gives later is no more than that.

use aws_lc_rs::digest;
use kit::{Basis, Fault, Secret};
use serde_json::Value;

use super::Object;
use super::attributes::Attributes;
use crate::error;

/// The type of EC2 keys.
pub(crate) const EC2: &str = "ec2";

/// The type of TOTP seeds.
pub(crate) const TOTP: &str = "totp";

/// What of an EC2 blob its user must not change.
const BOUND: [&str; 4] = ["trust_id", "app_cred_id", "access_token_id", "access_id"];

/// A credential.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) project_id: Option<String>,
    pub(crate) kind: String,
    pub(crate) blob: Secret,
    pub(crate) extra: Object,
}

impl Credential {
    /// A credential of `given`, made with a token that rests on `basis`; `new_id` unless it is one of EC2.
    ///
    /// # Errors
    /// 400 for a blob that an EC2 credential cannot have.
    pub(crate) fn new(mut given: Attributes, new_id: String, basis: &Basis) -> Result<Self, Fault> {
        given.drop(&["id", "links"]);
        let mut made = Self {
            id: new_id,
            user_id: given.text("user_id").unwrap_or_default(),
            project_id: given.text("project_id"),
            kind: given.text("type").unwrap_or_default(),
            blob: Secret::new(given.text("blob").unwrap_or_default()),
            extra: given.rest(),
        };
        if made.kind.eq_ignore_ascii_case(EC2) {
            let mut blob = ec2_blob(&made.blob)?;
            made.id = id_of_access(&access_of(&blob)?);
            if let Some((name, id)) = bound_by(basis) {
                blob.insert(name.to_owned(), id.into());
                made.blob = Secret::new(Value::Object(blob).to_string());
            }
        }
        Ok(made)
    }

    /// Changes it as `given` says.
    ///
    /// # Errors
    /// 400 for what must not change.
    pub(crate) fn apply(&mut self, mut given: Attributes) -> Result<(), Fault> {
        given.same("id", &self.id, "ID")?;
        given.drop(&["links"]);
        if let Some(blob) = given.text("blob").map(Secret::new) {
            if self.kind.eq_ignore_ascii_case(EC2) {
                let (old, new) = (ec2_blob(&self.blob)?, ec2_blob(&blob)?);
                access_of(&new)?;
                if let Some(bound) = BOUND.into_iter().find(|name| old.get(*name) != new.get(*name)) {
                    return Err(Fault::bad_request(format!("{bound} can not be updated for credential")));
                }
            }
            self.blob = blob;
        }
        self.user_id = given.text("user_id").unwrap_or_else(|| std::mem::take(&mut self.user_id));
        if let Some(project) = given.nullable("project_id") {
            self.project_id = project;
        }
        if let Some(kind) = given.text("type") {
            self.kind = kind;
        }
        if self.kind.eq_ignore_ascii_case(EC2) && self.project_id.is_none() {
            return Err(error::missing("project_id", "credential"));
        }
        self.extra.extend(given.rest());
        Ok(())
    }
}

/// What binds an EC2 credential that is made with a token that rests on `basis`.
pub(crate) fn bound_by(basis: &Basis) -> Option<(&'static str, &str)> {
    match basis {
        Basis::Trust(trust) => Some(("trust_id", &trust.id)),
        Basis::ApplicationCredential(credential) => Some(("app_cred_id", &credential.id)),
        Basis::AccessToken(token) => Some(("access_token_id", &token.id)),
        Basis::User | Basis::Federation(_) | Basis::Certificate(_) => None,
    }
}

/// The id of the EC2 credential with the access key `access`.
pub(crate) fn id_of_access(access: &str) -> String {
    kit::hex(digest::digest(&digest::SHA256, access.as_bytes()).as_ref())
}

/// The blob of an EC2 credential.
///
/// # Errors
/// 400 where it is none.
pub(crate) fn ec2_blob(blob: &Secret) -> Result<Object, Fault> {
    match serde_json::from_str(blob.expose()) {
        Ok(Value::Object(object)) if !object.is_empty() => Ok(object),
        Ok(_) => Err(error::missing("blob", "credential")),
        Err(_) => Err(Fault::bad_request("Invalid blob in credential")),
    }
}

fn access_of(blob: &Object) -> Result<String, Fault> {
    let access = blob.get("access").and_then(Value::as_str);
    access.map(str::to_owned).ok_or_else(|| error::missing("access", "credential"))
}

#[cfg(test)]
mod tests {
    use kit::basis::TrustRef;
    use serde_json::json;

    use super::*;

    fn attributes(value: Value) -> Attributes {
        Attributes::new(value.as_object().unwrap().clone())
    }

    fn ec2(blob: &str, basis: &Basis) -> Result<Credential, Fault> {
        let given = json!({"type": "ec2", "blob": blob, "user_id": "u", "project_id": "p", "color": "red"});
        Credential::new(attributes(given), "new".to_owned(), basis)
    }

    fn trust() -> Basis {
        Basis::Trust(TrustRef {
            id: "t".to_owned(),
            trustor_user_id: "u".into(),
            trustee_user_id: "v".into(),
            impersonation: true,
        })
    }

    #[test]
    fn an_ec2_credentials_id_is_the_hash_of_its_access_key() {
        let made = ec2(r#"{"access": "181920", "secret": "secretKey"}"#, &Basis::User).unwrap();
        assert_eq!(made.id, "3d3367228f9c7665266604462ec60029bcd83ad89614021a80b2eb879c572510");
        assert_eq!(Value::Object(made.extra), json!({"color": "red"}));
        let other = json!({"type": "totp", "blob": "GEZDGNBV", "user_id": "u"});
        let other = Credential::new(attributes(other), "new".to_owned(), &Basis::User).unwrap();
        assert_eq!((other.id.as_str(), other.project_id), ("new", None));
    }

    #[test]
    fn a_blob_that_cannot_be_is_refused() {
        let message = |blob: &str| ec2(blob, &Basis::User).unwrap_err().message().to_owned();
        assert_eq!(message("{"), "Invalid blob in credential");
        assert!(message("{}").starts_with("Expecting to find blob in credential."));
        assert!(message("[1]").starts_with("Expecting to find blob in credential."));
        assert!(message(r#"{"secret": "s"}"#).starts_with("Expecting to find access in credential."));
    }

    #[test]
    fn what_was_made_by_a_trust_stays_bound_to_it() {
        let mut made = ec2(r#"{"access": "a", "secret": "s"}"#, &trust()).unwrap();
        assert_eq!(ec2_blob(&made.blob).unwrap().get("trust_id"), Some(&json!("t")));
        let freed = attributes(json!({"blob": r#"{"access": "a", "secret": "new"}"#}));
        assert_eq!(made.apply(freed).unwrap_err().message(), "trust_id can not be updated for credential");
        let same = attributes(json!({"blob": r#"{"access": "a", "secret": "new", "trust_id": "t"}"#}));
        made.apply(same).unwrap();
        assert!(made.blob.expose().contains("new"));
    }

    #[test]
    fn what_becomes_an_ec2_credential_needs_a_project() {
        let given = json!({"type": "cert", "blob": "x", "user_id": "u"});
        let mut made = Credential::new(attributes(given), "new".to_owned(), &Basis::User).unwrap();
        let fault = made.apply(attributes(json!({"type": "ec2"}))).unwrap_err();
        assert!(fault.message().starts_with("Expecting to find project_id in credential."));
        assert_eq!(made.apply(attributes(json!({"id": "x"}))).unwrap_err().message(), "Cannot change ID");
    }
}
