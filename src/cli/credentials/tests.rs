//! Which credentials win.

use serde_json::json;

use super::*;
use crate::cli::problem::Kind;

struct World {
    dir: tempfile::TempDir,
    global: Global,
    surroundings: Surroundings,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let surroundings =
            Surroundings { directories: vec![dir.path().join("here"), dir.path().join("etc")], ..Default::default() };
        for name in ["here", "etc", "data"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        Self { dir, global: Global::default(), surroundings }
    }

    fn file(&self, path: &str, cloud: &str, user: &str) {
        let text = format!(
            "clouds:\n  {cloud}:\n    auth: {{auth_url: 'http://k/v3', username: {user}, password: p, project_name: shop, user_domain_id: d1}}\n    region_name: north\n"
        );
        std::fs::write(self.dir.path().join(path), text).unwrap();
    }

    fn admin(&self) {
        let admin =
            clouds::AdminCloud { auth_url: "http://local/v3", cacert: None, password: "p", region: "RegionOne" };
        clouds::write_admin(&admin_file(&self.dir.path().join("data")), &admin).unwrap();
    }

    fn env(&mut self, name: &str, value: &str) {
        self.surroundings.env.insert(name.to_owned(), value.to_owned());
    }

    fn find(&self) -> Result<Credentials> {
        find(&self.global, &self.surroundings)
    }

    fn user(&self) -> String {
        match self.find().unwrap().proofs.remove(0) {
            Proof::Password(Named { reference: Reference::Name(name), .. }, _) => name,
            _ => panic!("no user's name"),
        }
    }
}

#[test]
fn the_more_explicit_wins() {
    let mut world = World::new();
    world.admin();
    world.file("etc/clouds.yaml", "work", "from-etc");
    for (name, value) in [("OS_AUTH_URL", "http://env/v3"), ("OS_USERNAME", "from-env"), ("OS_PASSWORD", "p")] {
        world.env(name, value);
    }
    assert_eq!(world.user(), "from-env");
    world.env("OS_CLOUD", "work");
    assert_eq!(world.user(), "from-etc");
    world.global.data_dir = Some(world.dir.path().join("data"));
    assert_eq!(world.user(), "admin");
    world.global.os_cloud = Some("work".to_owned());
    assert_eq!(world.user(), "from-etc");
}

#[test]
fn the_first_file_counts() {
    let mut world = World::new();
    world.file("etc/clouds.yaml", "work", "etc");
    world.env("OS_CLOUD", "work");
    assert_eq!(world.user(), "etc");
    world.file("here/clouds.yml", "work", "here");
    assert_eq!(world.user(), "here");
    world.file("mine.yaml", "work", "mine");
    let mine = world.dir.path().join("mine.yaml");
    world.env("OS_CLIENT_CONFIG_FILE", mine.to_str().unwrap());
    assert_eq!(world.user(), "mine");
}

#[test]
fn the_cloud_cloudbox_is_the_local_one_where_no_file_has_it() {
    let mut world = World::new();
    world.admin();
    world.file("here/clouds.yaml", "work", "here");
    world.global.os_cloud = Some("cloudbox".to_owned());
    world.global.data_dir = Some(world.dir.path().join("data"));
    assert_eq!(world.user(), "admin");
    world.global.os_cloud = Some("play".to_owned());
    let problem = world.find().err().unwrap();
    assert_eq!(problem.kind, Kind::NotAllowed);
    assert!(problem.hint.unwrap().ends_with("here/clouds.yaml knows work"));
}

#[test]
fn all_of_a_cloud_is_read() {
    let mut world = World::new();
    world.file("here/clouds.yaml", "work", "ann");
    world.global.os_cloud = Some("work".to_owned());
    let named = |name: &str, domain: &str| Named {
        reference: Reference::Name(name.to_owned()),
        domain: Reference::Id(domain.to_owned()),
    };
    let expected = Credentials {
        auth_url: "http://k/v3".to_owned(),
        proofs: vec![Proof::Password(named("ann", "d1"), "p".to_owned())],
        scope: Scope::Project(named("shop", "default")),
        region: Some("north".to_owned()),
        interface: "public".to_owned(),
        trust: Trust::default(),
    };
    assert!(world.find().unwrap() == expected);
}

#[test]
fn variables_of_old_are_understood() {
    let mut world = World::new();
    for (name, value) in [
        ("OS_AUTH_URL", "http://env/v3"),
        ("OS_USER_ID", "u1"),
        ("OS_PASSWORD", "p"),
        ("OS_TENANT_NAME", "shop"),
        ("OS_DOMAIN_NAME", "corp"),
        ("OS_ENDPOINT_TYPE", "internalURL"),
    ] {
        world.env(name, value);
    }
    let found = world.find().unwrap();
    let corp = Reference::Name("corp".to_owned());
    let user = Named { reference: Reference::Id("u1".to_owned()), domain: corp.clone() };
    assert!(found.proofs == [Proof::Password(user, "p".to_owned())]);
    assert_eq!(found.scope, Scope::Project(Named { reference: Reference::Name("shop".to_owned()), domain: corp }));
    assert_eq!(found.interface, "internal");
}

#[test]
fn what_is_missing_is_named() {
    let mut world = World::new();
    world.env("OS_AUTH_URL", "http://env/v3");
    assert_eq!(world.find().err().unwrap().text, "the environment does not say username");
    world.env("OS_USERNAME", "ann");
    assert_eq!(world.find().err().unwrap().text, "the environment does not say password");
    world.env("OS_AUTH_TYPE", "v3token");
    assert_eq!(world.find().err().unwrap().text, "the environment does not say token");
    world.env("OS_AUTH_TYPE", "v3oidcpassword");
    let problem = world.find().err().unwrap();
    assert!(problem.text.contains("v3oidcpassword, which is not known here"), "{problem}");
    assert!(problem.hint.unwrap().contains("v3applicationcredential"));
    world.env("OS_AUTH_TYPE", "password");
    world.env("OS_PASSWORD", "p");
    world.env("OS_SYSTEM_SCOPE", "some");
    assert!(world.find().err().unwrap().text.ends_with("the system scope some: there is only `all`"));
}

/// What Keystone is sent.
fn login(world: &World) -> Value {
    let found = world.find().unwrap();
    body(&found.proofs, &found.scope)
}

fn cloud(world: &mut World, entry: &str) {
    let text = format!("clouds:\n  work:\n    auth_type: {entry}\n");
    std::fs::write(world.dir.path().join("here/clouds.yaml"), text).unwrap();
    world.global.os_cloud = Some("work".to_owned());
}

#[test]
fn every_way_of_keystoneauth_is_understood() {
    let mut world = World::new();
    let user = json!({"name": "ann", "domain": {"id": "default"}});
    let project = json!({"project": {"name": "shop", "domain": {"id": "default"}}});
    cloud(
        &mut world,
        "v3applicationcredential\n    auth: {auth_url: 'http://k', application_credential_id: '7', \
         application_credential_secret: s, project_name: shop}",
    );
    let credential = json!({"id": "7", "secret": "s"});
    let methods = json!({"methods": ["application_credential"], "application_credential": credential});
    assert_eq!(login(&world), json!({"auth": {"identity": methods}}));

    cloud(
        &mut world,
        "v3applicationcredential\n    auth: {auth_url: 'http://k', application_credential_name: ci, username: ann}",
    );
    assert_eq!(
        world.find().err().unwrap().text,
        "the cloud work of clouds.yaml does not say application_credential_secret"
    );
    world.env("OS_APPLICATION_CREDENTIAL_SECRET", "s");
    let credential = json!({"name": "ci", "secret": "s", "user": user});
    let methods = json!({"methods": ["application_credential"], "application_credential": credential});
    assert_eq!(login(&world), json!({"auth": {"identity": methods}}));

    cloud(&mut world, "v3token\n    auth: {auth_url: 'http://k', token: t, project_name: shop}");
    let methods = json!({"methods": ["token"], "token": {"id": "t"}});
    assert_eq!(login(&world), json!({"auth": {"identity": methods, "scope": project}}));

    cloud(
        &mut world,
        "v3multifactor\n    auth: {auth_url: 'http://k', username: ann, password: p, auth_methods: [v3password, v3totp]}",
    );
    world.env("OS_PASSCODE", "123456");
    let methods = login(&world).pointer("/auth/identity/methods").cloned();
    assert_eq!(methods, Some(json!(["password", "totp"])));
}

#[test]
fn the_way_is_seen_from_what_is_there() {
    let way = |parts: &[(&str, &str)]| {
        let mut world = World::new();
        for (name, value) in [("OS_AUTH_URL", "http://env/v3"), ("OS_USERNAME", "ann")].iter().chain(parts) {
            world.env(name, value);
        }
        world.find().unwrap().proofs[0].auth_type()
    };
    assert_eq!(way(&[("OS_PASSWORD", "p")]), "v3password");
    assert_eq!(way(&[("OS_TOKEN", "t"), ("OS_PASSWORD", "p")]), "v3token");
    assert_eq!(way(&[("OS_PASSCODE", "1")]), "v3totp");
    let credential = [("OS_APPLICATION_CREDENTIAL_ID", "7"), ("OS_APPLICATION_CREDENTIAL_SECRET", "s")];
    assert_eq!(way(&credential), "v3applicationcredential");
}

#[test]
fn a_token_is_for_what_is_said() {
    let mut world = World::new();
    world.file("here/clouds.yaml", "work", "ann");
    world.global.os_cloud = Some("work".to_owned());
    let scope = |world: &World| world.find().unwrap().scope;
    let project = |name: &str| {
        Scope::Project(Named {
            reference: Reference::Name(name.to_owned()),
            domain: Reference::Id("default".to_owned()),
        })
    };
    assert_eq!(scope(&world), project("shop"));
    world.env("OS_SYSTEM_SCOPE", "all");
    assert_eq!(scope(&world), Scope::System);
    world.global.os_project_name = Some("lab".to_owned());
    assert_eq!(scope(&world), project("lab"));
    let mut world = World::new();
    for (name, value) in [("OS_AUTH_URL", "http://env/v3"), ("OS_USERNAME", "ann"), ("OS_PASSWORD", "p")] {
        world.env(name, value);
    }
    assert_eq!(scope(&world), Scope::Unscoped);
    world.env("OS_DOMAIN_ID", "corp");
    assert_eq!(scope(&world), Scope::Domain(Reference::Id("corp".to_owned())));
    world.global.os_system_scope = Some("all".to_owned());
    assert_eq!(scope(&world), Scope::System);
}

#[test]
fn without_any_it_says_how_to_get_one() {
    let mut world = World::new();
    world.global.data_dir = Some(world.dir.path().join("data"));
    let problem = world.find().err().unwrap();
    assert_eq!(problem.kind, Kind::NotAllowed);
    assert!(problem.hint.unwrap().starts_with("`cloudbox serve --data-dir"));
}

#[test]
fn whom_to_trust_is_said_as_to_the_openstack_command() {
    let mut world = World::new();
    world.admin();
    world.global.data_dir = Some(world.dir.path().join("data"));
    let trust = |world: &World| world.find().unwrap().trust;
    assert_eq!(trust(&world), Trust::default());
    let file = admin_file(&world.dir.path().join("data"));
    clouds::refresh(&file, "https://local/v3", Some(Path::new("/a/ca.pem"))).unwrap();
    let of = |cacert: &str, insecure| Trust { cacert: Some(cacert.into()), insecure };
    assert_eq!(trust(&world), of("/a/ca.pem", false));
    world.env("OS_CACERT", "/env/ca.pem");
    assert_eq!(trust(&world), of("/env/ca.pem", false));
    world.global.os_cacert = Some("/option/ca.pem".into());
    world.env("OS_INSECURE", "no");
    assert_eq!(trust(&world), of("/option/ca.pem", false));
    world.env("OS_INSECURE", "True");
    assert_eq!(trust(&world), of("/option/ca.pem", true));
    let mut world = World::new();
    for (line, insecure) in
        [("verify: no", true), ("verify: yes", false), ("insecure: 'true'", true), ("insecure: false", false)]
    {
        let text = format!(
            "clouds:\n  w:\n    {line}\n    cacert: ~/ca.pem\n    auth: {{auth_url: 'https://k', username: u, password: p}}\n"
        );
        std::fs::write(world.dir.path().join("etc/clouds.yaml"), text).unwrap();
        world.env("OS_CLOUD", "w");
        world.env("HOME", "/home/ann");
        assert_eq!(trust(&world), of("/home/ann/ca.pem", insecure), "{line}");
    }
}
