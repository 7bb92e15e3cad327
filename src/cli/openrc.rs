//! `cloudbox openrc`: the credentials in use as `OS_*` variables, for a shell to take in.

use super::credentials::{Credentials, Named, Proof, Reference, Scope};

/// What may be left in a shell of other credentials: a client would take it for a part of these.
const FAMILY: [&str; 20] = [
    "OS_AUTH_TYPE",
    "OS_AUTH_METHODS",
    "OS_USERNAME",
    "OS_USER_ID",
    "OS_USER_DOMAIN_NAME",
    "OS_USER_DOMAIN_ID",
    "OS_PASSWORD",
    "OS_PASSCODE",
    "OS_TOKEN",
    "OS_APPLICATION_CREDENTIAL_ID",
    "OS_APPLICATION_CREDENTIAL_NAME",
    "OS_APPLICATION_CREDENTIAL_SECRET",
    "OS_PROJECT_NAME",
    "OS_PROJECT_ID",
    "OS_PROJECT_DOMAIN_NAME",
    "OS_PROJECT_DOMAIN_ID",
    "OS_DOMAIN_NAME",
    "OS_DOMAIN_ID",
    "OS_SYSTEM_SCOPE",
    "OS_TRUST_ID",
];

/// `export` lines for `credentials`.
#[must_use]
pub fn render(credentials: &Credentials) -> String {
    let mut lines = vec![export("OS_AUTH_URL", &credentials.auth_url)];
    let methods: Vec<&str> = credentials.proofs.iter().map(Proof::auth_type).collect();
    match methods.as_slice() {
        [only] => lines.push(export("OS_AUTH_TYPE", only)),
        several => {
            lines.push(export("OS_AUTH_TYPE", "v3multifactor"));
            lines.push(export("OS_AUTH_METHODS", &several.join(",")));
        }
    }
    for proof in &credentials.proofs {
        lines.extend(proof_lines(proof));
    }
    lines.extend(scope_lines(&credentials.scope));
    // Two proofs may be one user's.
    let mut seen = std::collections::BTreeSet::new();
    lines.retain(|line| seen.insert(line.clone()));
    if let Some(region) = &credentials.region {
        lines.push(export("OS_REGION_NAME", region));
    }
    lines.push(export("OS_INTERFACE", &credentials.interface));
    lines.push(export("OS_IDENTITY_API_VERSION", "3"));
    if let Some(cacert) = &credentials.trust.cacert {
        lines.push(export("OS_CACERT", &cacert.to_string_lossy()));
    }
    if credentials.trust.insecure {
        lines.push(export("OS_INSECURE", "true"));
    }
    let is_set = |name: &str| lines.iter().any(|line| line.starts_with(&format!("export {name}=")));
    let unset: Vec<&str> = FAMILY.into_iter().filter(|name| !is_set(name)).collect();
    // Clients would look there first.
    lines.push(format!("unset OS_CLOUD {}\n", unset.join(" ")));
    lines.concat()
}

fn proof_lines(proof: &Proof) -> Vec<String> {
    let secret = |name: &str, value: &str| vec![export(name, value)];
    match proof {
        Proof::Password(user, password) => [named("OS_USER", user), secret("OS_PASSWORD", password)].concat(),
        Proof::Totp(user, passcode) => [named("OS_USER", user), secret("OS_PASSCODE", passcode)].concat(),
        Proof::ApplicationCredential { credential, user, secret: value } => {
            let mut lines = vec![reference("OS_APPLICATION_CREDENTIAL", credential)];
            lines.extend(user.iter().flat_map(|user| named("OS_USER", user)));
            lines.extend(secret("OS_APPLICATION_CREDENTIAL_SECRET", value));
            lines
        }
        Proof::Token(token) => secret("OS_TOKEN", token),
    }
}

fn scope_lines(scope: &Scope) -> Vec<String> {
    match scope {
        Scope::Unscoped => Vec::new(),
        Scope::Project(project) => named("OS_PROJECT", project),
        Scope::Domain(domain) => vec![reference("OS_DOMAIN", domain)],
        Scope::System => vec![export("OS_SYSTEM_SCOPE", "all")],
        Scope::Trust(id) => vec![export("OS_TRUST_ID", id)],
    }
}

fn named(name: &str, thing: &Named) -> Vec<String> {
    vec![reference(name, &thing.reference), reference(&format!("{name}_DOMAIN"), &thing.domain)]
}

fn reference(name: &str, reference: &Reference) -> String {
    match reference {
        // OS_USERNAME is the one that is written in one word.
        Reference::Name(value) if name == "OS_USER" => export("OS_USERNAME", value),
        Reference::Name(value) => export(&format!("{name}_NAME"), value),
        Reference::Id(value) => export(&format!("{name}_ID"), value),
    }
}

fn export(name: &str, value: &str) -> String {
    format!("export {name}={}\n", quoted(value))
}

/// `value` as one word of a shell.
#[must_use]
pub fn quoted(value: &str) -> String {
    let plain = !value.is_empty() && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c));
    if plain { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::trust::Trust;

    #[test]
    fn a_shell_can_take_it_in() {
        let trust = Trust { cacert: Some("/var/lib/cloudbox/tls/ca.pem".into()), insecure: false };
        let credentials =
            Credentials { trust, ..Credentials::of_ann("http://127.0.0.1:8774/identity/v3", "it's $secret") };
        insta::assert_snapshot!(render(&credentials), @r"
        export OS_AUTH_URL=http://127.0.0.1:8774/identity/v3
        export OS_AUTH_TYPE=v3password
        export OS_USERNAME=ann
        export OS_USER_DOMAIN_ID=default
        export OS_PASSWORD='it'\''s $secret'
        export OS_PROJECT_NAME=shop
        export OS_PROJECT_DOMAIN_ID=default
        export OS_REGION_NAME=RegionOne
        export OS_INTERFACE=public
        export OS_IDENTITY_API_VERSION=3
        export OS_CACERT=/var/lib/cloudbox/tls/ca.pem
        unset OS_CLOUD OS_AUTH_METHODS OS_USER_ID OS_USER_DOMAIN_NAME OS_PASSCODE OS_TOKEN OS_APPLICATION_CREDENTIAL_ID OS_APPLICATION_CREDENTIAL_NAME OS_APPLICATION_CREDENTIAL_SECRET OS_PROJECT_ID OS_PROJECT_DOMAIN_NAME OS_DOMAIN_NAME OS_DOMAIN_ID OS_SYSTEM_SCOPE OS_TRUST_ID
        ");
    }

    #[test]
    fn what_belongs_to_other_credentials_goes() {
        let credential = Proof::ApplicationCredential {
            credential: Reference::Id("7".to_owned()),
            user: None,
            secret: "s".to_owned(),
        };
        let ann = Credentials::of_ann("http://k/v3", "p");
        let credentials = Credentials { proofs: vec![credential], scope: Scope::Unscoped, ..ann };
        let rendered = render(&credentials);
        assert!(rendered.contains("export OS_APPLICATION_CREDENTIAL_SECRET=s\n"), "{rendered}");
        let unset = rendered.lines().last().unwrap();
        for name in ["OS_CLOUD", "OS_PASSWORD", "OS_PROJECT_NAME", "OS_TOKEN"] {
            assert!(unset.split(' ').any(|word| word == name), "{unset}");
        }
    }
}
