//! What there is at first start: a domain, a project, an administrator, the roles, the catalog.
//!
//! It runs at every start. People and projects are made once, so that an operator can take them away for
//! good; roles that are missing are made again; the URLs of the catalog's own endpoints follow the configuration.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_kit::Condition;
use kit::ids::ProjectId;
use kit::{Fault, Secret, Timestamp};
use serde_json::{Value, json};
use store::Connection;

use crate::catalog::{INTERFACES, OFFERED, Offered};
use crate::db::assignments;
use crate::domain::assignment::Assignment;
use crate::domain::attributes::Attributes;
use crate::domain::catalog::{Endpoint, Region, Service};
use crate::domain::password::{Failures, Password};
use crate::domain::project::Project;
use crate::domain::role::{Holding, Role};
use crate::domain::user::User;
use crate::domain::{DEFAULT_DOMAIN, Object};
use crate::{IdentityService, db};

/// The administrator, and the project of the same name.
const ADMIN: &str = "admin";

/// The project of the cloud's own services.
const SERVICE_PROJECT: &str = "service";

/// Every role, and the one that it implies.
const ROLES: &[(&str, Option<&str>)] = &[
    ("reader", None),
    ("member", Some("reader")),
    ("manager", Some("member")),
    (ADMIN, Some("manager")),
    ("service", None),
];

/// 24 random bytes: nobody guesses that, and it needs no quoting in a shell.
const PASSWORD_BYTES: usize = 24;

impl IdentityService {
    /// Loads the token keys and makes the first-start objects. Answers the password of the user `admin` where
    /// that has just been made.
    ///
    /// # Errors
    /// What keeps the keys or the database from being used.
    pub async fn bootstrap(&self, public_url: &str, region: &str) -> Result<Option<Secret>, Fault> {
        self.load_keys().await?;
        self.keep_vault().await?;
        self.load_moments().await?;
        let wanted = Condition::is("id", DEFAULT_DOMAIN);
        let first_start = self.store.read(move |db| db::projects::list(db, &wanted, None)).await?.is_empty();
        let (password, hash) = if first_start {
            let password = new_password()?;
            let hash = self.passwords.hash(password.clone()).await?;
            (Some(password), Some(hash))
        } else {
            (None, None)
        };
        let (url, region) = (public_url.trim_end_matches('/').to_owned(), region.to_owned());
        let now = self.moment();
        // His own, as it were: there is nobody who could have to change it first.
        let set_at = self.clock.now();
        let admins = hash.map(|hash| self.rules.new_password(Some(hash), &Object::new(), true, set_at));
        self.write(move |db| {
            let admin_role = ensure_roles(db)?;
            if let Some(password) = &admins {
                insert_people(db, &admin_role, password, now)?;
            }
            ensure_catalog(db, &url, &region)?;
            db::endpoints::follow(db, &url)
        })
        .await?;
        Ok(password)
    }

    /// The administrator's project, unless an operator has deleted it.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn admin_project(&self) -> Result<Option<ProjectId>, Fault> {
        let project = self.store.read(|db| db::projects::project_named(db, ADMIN, DEFAULT_DOMAIN)).await?;
        Ok(project.map(|project| ProjectId::new(&project.id)))
    }

    /// Gives the user `admin` a new password: for an operator of this host who has lost it.
    ///
    /// # Errors
    /// 404 where there is no such user any more.
    pub async fn reset_admin_password(&self) -> Result<Secret, Fault> {
        let password = new_password()?;
        let hash = self.passwords.hash(password.clone()).await?;
        let now = self.moment();
        let history = self.rules.history();
        let new = self.rules.new_password(Some(hash), &Object::new(), true, self.clock.now());
        self.write(move |db| {
            let admin = db::users::named(db, ADMIN, DEFAULT_DOMAIN)?;
            let mut admin = admin.ok_or_else(|| crate::error::not_found("user", ADMIN))?;
            admin.apply(Attributes::default(), true, now)?;
            db::users::update(db, &admin)?;
            db::passwords::set_failures(db, &admin.id, Failures::default())?;
            db::passwords::set(db, &admin.id, &new, history)
        })
        .await?;
        Ok(password)
    }
}

fn new_password() -> Result<Secret, Fault> {
    let mut bytes = [0_u8; PASSWORD_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|error| Fault::internal("making a password", error))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

fn new_id() -> String {
    kit::ids::ProjectId::random_hex().to_string()
}

fn attributes(value: Value) -> Attributes {
    match value {
        Value::Object(object) => Attributes::new(object),
        _ => Attributes::default(),
    }
}

/// The domain, its projects, and the administrator with `admin_role` on one of them and on the system.
fn insert_people(db: &Connection, admin_role: &str, password: &Password, now: Timestamp) -> Result<(), Fault> {
    let given = attributes(json!({ "name": "Default", "description": "The default domain" }));
    db::projects::insert(db, &Project::new_domain(DEFAULT_DOMAIN.to_owned(), given, now))?;
    let project = insert_project(db, ADMIN, "Bootstrap project for initializing the cloud.", now)?;
    insert_project(db, SERVICE_PROJECT, "Project of the cloud's own services.", now)?;
    let user = User::new(new_id(), attributes(json!({ "name": ADMIN })), None, now);
    db::users::insert(db, &user)?;
    db::passwords::set(db, &user.id, password, 0)?;
    for holding in [Holding::Project(project), Holding::System] {
        assignments::insert(db, &Assignment::of_user(&user.id, admin_role, holding))?;
    }
    Ok(())
}

fn insert_project(db: &Connection, name: &str, description: &str, now: Timestamp) -> Result<String, Fault> {
    let given = attributes(json!({ "name": name, "description": description }));
    let project = Project::new_project(new_id(), given, None, now);
    db::projects::insert(db, &project)?;
    Ok(project.id)
}

/// Makes the roles and what they imply; answers the id of `admin`.
fn ensure_roles(db: &Connection) -> Result<String, Fault> {
    let mut admin = String::new();
    for (name, implied) in ROLES {
        let role = match db::roles::named(db, name)? {
            Some(role) => role,
            None => {
                let role = Role::new(new_id(), attributes(json!({ "name": name, "options": { "immutable": true } })));
                db::roles::insert(db, &role)?;
                if let Some(implied) = implied.map(|implied| db::roles::named(db, implied)).transpose()?.flatten() {
                    db::implied_roles::insert(db, &role.id, &implied.id)?;
                }
                role
            }
        };
        if *name == ADMIN {
            admin = role.id;
        }
    }
    Ok(admin)
}

fn ensure_catalog(db: &Connection, public_url: &str, region: &str) -> Result<(), Fault> {
    if db::regions::list(db, &Condition::is("id", region))?.is_empty() {
        db::regions::insert(db, &Region::new(region.to_owned(), Attributes::default()))?;
    }
    // One that an operator has taken out of the catalog stays out, unless all of them are gone.
    let known = db::services::list(db, &Condition::all())?;
    if !known.is_empty() {
        return Ok(());
    }
    OFFERED.iter().try_for_each(|offered| insert_offered(db, offered, public_url, region))
}

fn insert_offered(db: &Connection, offered: &Offered, public_url: &str, region: &str) -> Result<(), Fault> {
    let service = Service::new(new_id(), attributes(json!({ "type": offered.kind, "name": offered.name })));
    db::services::insert(db, &service)?;
    for interface in INTERFACES {
        let mut endpoint = Endpoint::new(
            new_id(),
            attributes(json!({
                "service_id": service.id,
                "interface": interface,
                "region_id": region,
                "url": format!("{public_url}{}", offered.path),
            })),
        );
        endpoint.managed_path = Some(offered.path.to_owned());
        db::endpoints::insert(db, &endpoint)?;
    }
    Ok(())
}
