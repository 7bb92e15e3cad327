//! What a cloud's entry or the environment says of a login, put together under keystoneauth's names and openstacksdk's rules.

use super::proof::{Named, Proof, Reference, Scope};
use super::{Credentials, DEFAULT_DOMAIN};
use crate::cli::problem::{Problem, Result};
use crate::cli::trust::Trust;

/// The ways to log in by keystoneauth's names, for whoever names another.
const KNOWN: &str = "password, v3token, v3applicationcredential, v3totp and v3multifactor";

/// What is said, by keystoneauth's names of its parts (`username`, `project_domain_id`).
pub(super) struct Said<'a> {
    /// Where it is said, for people.
    pub(super) place: &'a str,
    /// What says a part, for people.
    pub(super) how: &'a dyn Fn(&str) -> String,
    /// A part.
    pub(super) part: &'a dyn Fn(&str) -> Option<String>,
    /// A part that is secret: the environment may have it where the cloud's entry does not.
    pub(super) secret: &'a dyn Fn(&str) -> Option<String>,
    /// The names of the ways that are asked for at once (`auth_methods`).
    pub(super) methods: Vec<String>,
}

impl Said<'_> {
    /// The credentials that it makes.
    ///
    /// # Errors
    /// What is missing, or is not known.
    pub(super) fn credentials(
        &self,
        auth_type: Option<&str>,
        region: Option<String>,
        interface: Option<String>,
    ) -> Result<Credentials> {
        let auth_url = self.needed("auth_url")?;
        let proofs = self.proofs(auth_type)?;
        // Keystone takes none with it: it is for the project that it was made in.
        let bound = proofs.iter().any(|proof| matches!(proof, Proof::ApplicationCredential { .. }));
        Ok(Credentials {
            auth_url,
            scope: if bound { Scope::Unscoped } else { self.scope()? },
            proofs,
            region,
            // Old spellings: publicURL.
            interface: interface.map_or_else(|| "public".to_owned(), |name| name.trim_end_matches("URL").to_owned()),
            trust: Trust::default(),
        })
    }

    fn has(&self, key: &str) -> bool {
        (self.part)(key).is_some()
    }

    fn proofs(&self, auth_type: Option<&str>) -> Result<Vec<Proof>> {
        match auth_type {
            Some("v3multifactor") if self.methods.is_empty() => {
                Err(self.missing("auth_methods").hint("such as [v3password, v3totp]"))
            }
            Some("v3multifactor") => self.methods.iter().map(|method| self.proof(method)).collect(),
            Some(name) => Ok(vec![self.proof(name)?]),
            None => Ok(vec![self.proof(self.usual())?]),
        }
    }

    /// The way that is meant where none is named: openstacksdk's rules, and application credentials by their own parts.
    fn usual(&self) -> &'static str {
        let credential = self.has("application_credential_id") || self.has("application_credential_name");
        match () {
            () if self.has("token") => "v3token",
            () if credential && !self.has("password") => "v3applicationcredential",
            () if self.has("passcode") && !self.has("password") => "v3totp",
            () => "password",
        }
    }

    fn proof(&self, name: &str) -> Result<Proof> {
        match name {
            "password" | "v3password" => Ok(Proof::Password(self.user()?, self.needed_secret("password")?)),
            "v3totp" => Ok(Proof::Totp(self.user()?, self.needed_secret("passcode")?)),
            "token" | "v3token" => Ok(Proof::Token(self.needed_secret("token")?)),
            "v3applicationcredential" => self.application_credential(),
            other => {
                let text = format!("{} wants the authentication {other}, which is not known here", self.place);
                Err(Problem::usage(text).hint(format!("there are {KNOWN}")))
            }
        }
    }

    fn application_credential(&self) -> Result<Proof> {
        let credential = self.reference("application_credential_id", "application_credential_name");
        let credential = credential.ok_or_else(|| self.missing("application_credential_id"))?;
        let user = match &credential {
            Reference::Id(_) => None,
            Reference::Name(_) => Some(self.user()?),
        };
        Ok(Proof::ApplicationCredential {
            credential,
            user,
            secret: self.needed_secret("application_credential_secret")?,
        })
    }

    fn user(&self) -> Result<Named> {
        let reference = self.reference("user_id", "username").ok_or_else(|| self.missing("username"))?;
        Ok(Named { reference, domain: self.domain("user") })
    }

    fn scope(&self) -> Result<Scope> {
        if let Some(system) = (self.part)("system_scope") {
            return match system.as_str() {
                "all" => Ok(Scope::System),
                other => {
                    Err(Problem::usage(format!("{} says the system scope {other}: there is only `all`", self.place)))
                }
            };
        }
        if let Some(trust) = (self.part)("trust_id") {
            return Ok(Scope::Trust(trust));
        }
        if let Some(reference) = self.reference("project_id", "project_name") {
            return Ok(Scope::Project(Named { reference, domain: self.domain("project") }));
        }
        // With a project it is that one's domain, and the user's.
        Ok(self.reference("domain_id", "domain_name").map_or(Scope::Unscoped, Scope::Domain))
    }

    /// The domain of the user or of the project.
    fn domain(&self, of: &str) -> Reference {
        let own = self.reference(&format!("{of}_domain_id"), &format!("{of}_domain_name"));
        own.or_else(|| self.reference("domain_id", "domain_name"))
            .or_else(|| self.reference("default_domain_id", "default_domain_name"))
            .or_else(|| self.reference("default_domain", ""))
            .unwrap_or_else(|| Reference::Id(DEFAULT_DOMAIN.to_owned()))
    }

    fn reference(&self, id: &str, name: &str) -> Option<Reference> {
        (self.part)(id).map(Reference::Id).or_else(|| (self.part)(name).map(Reference::Name))
    }

    fn needed(&self, key: &str) -> Result<String> {
        (self.part)(key).ok_or_else(|| self.missing(key))
    }

    fn needed_secret(&self, key: &str) -> Result<String> {
        (self.secret)(key).ok_or_else(|| self.missing(key))
    }

    fn missing(&self, key: &str) -> Problem {
        Problem::usage(format!("{} does not say {key}", self.place)).hint(format!("{} says it", (self.how)(key)))
    }
}
