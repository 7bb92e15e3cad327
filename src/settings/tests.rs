//! Files as people write them.

use super::*;

fn load_text(text: &str, overrides: Overrides) -> Result<Settings, SettingsError> {
    Settings::parse(Path::new("cloudbox.toml"), text, overrides)
}

/// What is told of `text`, without the file's directory.
fn told_of(text: &str) -> Vec<String> {
    let Err(SettingsError::Invalid { findings, .. }) = load_text(text, Overrides::default()) else {
        panic!("it is valid")
    };
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn the_command_line_wins_over_the_file_and_the_file_over_the_defaults() {
    let text = "[api]\nregion = 'Home'\nlisten = '127.0.0.1:1'\n";
    let overrides = Overrides { listen: Some("127.0.0.1:2".parse().unwrap()), ..Overrides::default() };
    let settings = load_text(text, overrides).unwrap();
    let config = &settings.config;
    assert_eq!((config.api.region.as_str(), config.api.listen.port()), ("Home", 2));
    assert_eq!(config.identity.token_ttl_secs, 3600);
    let origins = ["api.region", "api.listen", "identity.token_ttl_secs"].map(|key| settings.origin(key));
    assert_eq!(origins, [Origin::Line(2), Origin::Option, Origin::Default]);
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_line() {
    let text = "datadir = '/x'\n\
        [api]\nlissten = '127.0.0.1:1'\nmax_connections = 'many'\nregion = 7\npublic_url = 'cloud/x'\n\
        tls.mode = 'of'\n\
        [identity.passwords]\npasses = 0\nlanes = 0\nmemory_kib = -1\n\
        [network]\nmtu = 100\ndevice_prefix = 'LONG'\ndefault_cidr = '10.20.0.1/24'\nexternal_cidr = 'x'\n\
        [computer]\nhost = 'a'\n\
        [compute]\ncpu_allocation_ratio = 0.0\nhypervisor = 'xen'\n";
    insta::assert_snapshot!(told_of(text).join("\n"));
}

#[test]
fn a_file_that_is_no_toml_is_told_with_its_lines() {
    let told = told_of("[api\nlisten = \n= 7\n");
    assert!(told.len() > 1 && told[0].starts_with("1:"), "{told:?}");
    let told = told_of("core_dumps = true\ncore_dumps = false\n");
    assert!(told[0].starts_with("2:1: ") && told[0].contains("duplicate"), "{told:?}");
}

#[test]
fn values_that_do_not_go_together_are_told() {
    for (text, said) in [
        ("api.tls.mode = 'off'", "1:9: api.tls.mode = \"off\" is not valid: passwords would cross the network"),
        (
            "[api.tls]\nkey = '/k'\n",
            "2:1: api.tls.key = \"/k\" is not valid: api.tls.certificate and api.tls.key go together",
        ),
        ("api.tls.acme.domains = ['a.example']", "accept_terms = true"),
        ("api.tls.names = ['a_b']", "use names and addresses"),
        ("network.external_cidr = '10.20.0.128/25'", "it must not overlap"),
        ("network.external_range = '192.168.1.200-220'", "it goes with network.external_interface"),
        ("log.level = 'compute=loud'", "use error, warn, info"),
        (
            "identity.security_compliance.minimum_password_age = 3\nidentity.security_compliance.password_expires_days = 2",
            "must be less than",
        ),
    ] {
        let told = told_of(text);
        assert!(told.iter().any(|line| line.contains(said)), "{text}: {told:?}");
    }
    // What the command line says is nowhere in the file.
    let overrides = Overrides { hypervisor: Some("xen".to_owned()), ..Overrides::default() };
    let error = load(None, overrides).unwrap_err().to_string();
    assert!(error.starts_with("compute.hypervisor = \"xen\" is not valid"), "{error}");
}

#[test]
fn differences_are_named() {
    let (one, mut other) = (Config::default(), Config::default());
    assert_eq!(differences(&one, &other), [""; 0]);
    other.api.tls.names = vec!["a".to_owned()];
    other
        .identity
        .oidc
        .insert("acme".to_owned(), kit::config::OidcConfig { issuer: "i".to_owned(), ..Default::default() });
    other.core_dumps = true;
    let found = differences(&one, &other);
    for key in ["api.tls.names", "core_dumps", "identity.oidc.acme.issuer"] {
        assert!(found.iter().any(|other| other == key), "{key} in {found:?}");
    }
}

#[test]
fn the_shipped_file_is_the_defaults() {
    let shipped: Config = toml::from_str(include_str!("../../config/cloudbox.toml")).unwrap();
    assert_eq!(toml::Value::try_from(&shipped).unwrap(), toml::Value::try_from(Config::default()).unwrap());
    let text = include_str!("../../config/cloudbox.toml");
    let mut tables = vec![("".to_owned(), toml::Table::try_from(Config::default()).unwrap())];
    while let Some((name, table)) = tables.pop() {
        for (key, value) in table {
            let (line, found) = match value {
                toml::Value::Table(inner) => {
                    let name = if name.is_empty() { key } else { format!("{name}.{key}") };
                    let line = format!("[{name}]");
                    tables.push((name, inner));
                    (line.clone(), text.lines().any(|other| other == line))
                }
                _ => (key.clone(), text.lines().any(|line| line.starts_with(&format!("{key} = ")))),
            };
            assert!(found, "{line} is not in the shipped file");
        }
    }
}

#[test]
fn a_data_directory_is_found_from_anywhere() {
    let overrides = Overrides { data_dir: Some("data".into()), ..Overrides::default() };
    let dir = load(None, overrides).unwrap().data_dir.0;
    assert_eq!(dir, std::env::current_dir().unwrap().join("data"));
}
