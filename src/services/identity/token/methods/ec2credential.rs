//! The method `ec2credential`: a signature with an EC2 key, which other services bring ([`crate::api`]'s `ec2tokens` and
//! `s3tokens`). It cannot be asked for in a login.

use std::time::Duration;

use kit::{Fault, Secret};
use serde_json::Value;

use super::{Method, Methods, Proven};
use crate::db;
use crate::domain::Object;
use crate::domain::credential::{Credential, EC2, ec2_blob, id_of_access};
use crate::domain::login::ScopeAsked;
use crate::domain::signature::signed_at;
use crate::token::issue::Issued;
use crate::token::{BasisId, ScopeId};
use crate::{IdentityService, error};

pub(super) const METHOD: Method =
    Method { name: "ec2credential", bit: Methods::EC2_CREDENTIAL, parse: |_| Err(error::unsupported_method()) };

impl IdentityService {
    /// A token for the user and the project of the EC2 key `access` in `signed`, if it `fits` the key's secret.
    ///
    /// # Errors
    /// 404 for an unknown key, 401 where the signature does not fit or is too old.
    pub(crate) async fn issue_for_signature(
        &self,
        signed: &Value,
        fits: impl FnOnce(&Value, &Secret) -> bool,
    ) -> Result<Issued, Fault> {
        let begun = self.begin();
        let access = signed["access"].as_str().ok_or_else(error::unauthorized)?;
        let found = self.find_credential(&id_of_access(access)).await?;
        let found = found.filter(|it| it.kind.eq_ignore_ascii_case(EC2));
        let credential = found.ok_or_else(|| Fault::not_found("EC2 access key not found."))?;
        let blob = ec2_blob(&credential.blob)?;
        let secret = text(&blob, "secret").map(Secret::new).ok_or_else(error::unauthorized)?;
        if !fits(signed, &secret) {
            return Err(error::unauthorized());
        }
        let ttl = Duration::from_secs(self.config.signature_ttl_secs);
        let at = signed_at(signed).map_err(|_| error::unauthorized())?;
        if at.is_some_and(|at| at.checked_add(ttl).is_ok_and(|end| end < self.clock.now())) {
            return Err(error::unauthorized());
        }
        let (proven, scope) = self.bound(credential, &blob).await?;
        self.issue_for(proven, &scope, begun).await
    }

    /// What the key is good for: what its user was given, or what it was made by.
    async fn bound(&self, credential: Credential, blob: &Object) -> Result<(Proven, ScopeAsked), Fault> {
        let project = credential.project_id.ok_or_else(error::unauthorized)?;
        let mut proven = Proven::new(credential.user_id, Methods::EC2_CREDENTIAL);
        if let Some(id) = text(blob, "trust_id") {
            let (id, wanted) = (id.to_owned(), id.to_owned());
            let trust = self.store.read(move |db| db::trusts::get(db, &wanted)).await?;
            // The key is the trustor's where the trust impersonates; its token is the trustee's to have.
            proven.user_id = trust.trustee_user_id;
            return Ok((proven, ScopeAsked::Trust(id)));
        }
        if let Some(id) = text(blob, "app_cred_id") {
            let (id, wanted) = (id.to_owned(), id.to_owned());
            let lock = self.store.read(move |db| db::application_credentials::lock(db, &wanted)).await?;
            let lock = lock.ok_or_else(|| error::not_found("Application Credential", &id))?;
            if lock.project_id != project || lock.expires_at.is_some_and(|end| end <= self.clock.now()) {
                return Err(error::unauthorized());
            }
            proven.expires_at = lock.expires_at;
            proven.basis = BasisId::ApplicationCredential(id);
        } else if let Some(id) = text(blob, "access_token_id") {
            proven.basis = BasisId::AccessToken(id.to_owned());
        }
        proven.scope = Some(ScopeId::Project(project.into()));
        Ok((proven, ScopeAsked::Default))
    }
}

fn text<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    object.get(name).and_then(Value::as_str)
}
