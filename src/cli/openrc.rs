//! `cloudbox openrc`: the credentials in use as `OS_*` variables, for a shell to take in.

use super::credentials::{Credentials, Reference};

/// `export` lines for `credentials`.
#[must_use]
pub fn render(credentials: &Credentials) -> String {
    let mut lines = vec![export("OS_AUTH_URL", &credentials.auth_url)];
    let mut either = |name: &str, reference: &Reference| {
        lines.push(match reference {
            // OS_USERNAME is the one that is written in one word.
            Reference::Name(value) if name == "OS_USER" => export("OS_USERNAME", value),
            Reference::Name(value) => export(&format!("{name}_NAME"), value),
            Reference::Id(value) => export(&format!("{name}_ID"), value),
        });
    };
    either("OS_USER", &credentials.user);
    either("OS_USER_DOMAIN", &credentials.user_domain);
    if let Some(project) = &credentials.project {
        either("OS_PROJECT", project);
        either("OS_PROJECT_DOMAIN", &credentials.project_domain);
    }
    lines.push(export("OS_PASSWORD", &credentials.password));
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
    // Clients would look there first.
    lines.push("unset OS_CLOUD\n".to_owned());
    lines.concat()
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
        let credentials = Credentials {
            auth_url: "http://127.0.0.1:8774/identity/v3".to_owned(),
            user: Reference::Name("admin".to_owned()),
            user_domain: Reference::Name("Default".to_owned()),
            password: "it's $secret".to_owned(),
            project: Some(Reference::Id("p1".to_owned())),
            project_domain: Reference::Id("default".to_owned()),
            region: Some("RegionOne".to_owned()),
            interface: "public".to_owned(),
            trust: Trust { cacert: Some("/var/lib/cloudbox/tls/ca.pem".into()), insecure: false },
        };
        insta::assert_snapshot!(render(&credentials), @r"
        export OS_AUTH_URL=http://127.0.0.1:8774/identity/v3
        export OS_USERNAME=admin
        export OS_USER_DOMAIN_NAME=Default
        export OS_PROJECT_ID=p1
        export OS_PROJECT_DOMAIN_ID=default
        export OS_PASSWORD='it'\''s $secret'
        export OS_REGION_NAME=RegionOne
        export OS_INTERFACE=public
        export OS_IDENTITY_API_VERSION=3
        export OS_CACERT=/var/lib/cloudbox/tls/ca.pem
        unset OS_CLOUD
        ");
    }
}
