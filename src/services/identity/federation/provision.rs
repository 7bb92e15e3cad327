//! Bringing the tables to what a mapping says of somebody: the user, its groups, its projects and roles.

use kit::{Fault, Timestamp};
use serde_json::{Value, json};
use store::{Connection, query};

use crate::db::assignments;
use crate::db::federated_users::{self as federated, FederatedUser};
use crate::domain::assignment::Assignment;
use crate::domain::attributes::Attributes;
use crate::domain::federation::IdentityProvider;
use crate::domain::login::DomainNamed;
use crate::domain::mapping::{Mapped, MappedProject, NamedGroup};
use crate::domain::password::day_of;
use crate::domain::project::Project;
use crate::domain::role::Holding;
use crate::domain::user::User;
use crate::token::scope::find_domain;
use crate::view::put;
use crate::{db, error};

/// Somebody whom an identity provider brings, with all that the mapping names found.
pub(super) struct Arrival {
    provider: IdentityProvider,
    protocol_id: String,
    unique_id: String,
    display_name: String,
    email: Option<String>,
    domain_id: String,
    /// Ids, sorted.
    groups: Vec<String>,
    projects: Vec<Provision>,
    takes_away: bool,
}

/// A project, which may have to be made, and the ids of the roles there.
struct Provision {
    name: String,
    domain_id: String,
    role_ids: Vec<String>,
}

impl Arrival {
    /// What `mapped` names, looked up.
    ///
    /// # Errors
    /// 401 where nobody is named or something named is not there; 404 for a role.
    pub(super) fn new(
        db: &Connection,
        provider: IdentityProvider,
        protocol_id: String,
        mapped: Mapped,
        remote_user: Option<String>,
    ) -> Result<Self, Fault> {
        let user = mapped.user.unwrap_or_default();
        let name = user.name.or(remote_user);
        let unique_id = user.id.clone().or_else(|| name.clone()).ok_or_else(error::unauthorized)?;
        let domain_id = domain(db, user.domain.as_ref(), &provider)?;
        let mut groups = groups(db, mapped.group_ids, &mapped.groups)?;
        groups.sort();
        groups.dedup();
        let projects = mapped.projects.into_iter().map(|project| find_provision(db, project, &provider));
        Ok(Self {
            unique_id: quoted(&unique_id),
            display_name: name.unwrap_or(unique_id),
            email: user.email,
            domain_id,
            groups,
            projects: projects.collect::<Result<_, _>>()?,
            takes_away: mapped.takes_away,
            provider,
            protocol_id,
        })
    }
}

/// The id of the domain that is named, or of the provider's own.
fn domain(db: &Connection, named: Option<&DomainNamed>, provider: &IdentityProvider) -> Result<String, Fault> {
    match named {
        None => Ok(provider.domain_id.clone()),
        Some(named) => Ok(find_domain(db, named)?.ok_or_else(error::unauthorized)?.id),
    }
}

/// The ids of the groups. One that is named by id must be there; one that is named by name and is not is passed over.
fn groups(db: &Connection, ids: Vec<String>, named: &[NamedGroup]) -> Result<Vec<String>, Fault> {
    let mut groups = ids;
    for id in &groups {
        if !query::exists(db, "SELECT 1 FROM identity_groups WHERE id = ?1", [id])? {
            tracing::warn!(group_id = id, "a mapping names a group that is not there");
            return Err(error::unauthorized());
        }
    }
    for NamedGroup { name, domain } in named {
        let domain = find_domain(db, domain)?.ok_or_else(error::unauthorized)?;
        let sql = "SELECT id FROM identity_groups WHERE domain_id = ?1 AND name = ?2";
        let found: Option<String> = query::opt(db, sql, [&domain.id, name], |row| row.get(0))?;
        groups.extend(found);
    }
    Ok(groups)
}

fn find_provision(db: &Connection, project: MappedProject, provider: &IdentityProvider) -> Result<Provision, Fault> {
    let role = |name: &String| Ok(db::roles::named(db, name)?.ok_or_else(|| error::not_found("role", name))?.id);
    Ok(Provision {
        domain_id: domain(db, project.domain.as_ref(), provider)?,
        role_ids: project.roles.iter().map(role).collect::<Result<_, Fault>>()?,
        name: project.name,
    })
}

/// The user that `arrival` is, if the tables say all that it brings already.
pub(super) fn settled(db: &Connection, arrival: &Arrival, now: Timestamp) -> Result<Option<String>, Fault> {
    let Some(known) = federated::find(db, &arrival.provider.id, &arrival.protocol_id, &arrival.unique_id)? else {
        return Ok(None);
    };
    let user = db::users::get(db, &known.user_id)?;
    let mail = user.extra.get("email").and_then(Value::as_str);
    let same = known.display_name.as_ref() == Some(&arrival.display_name)
        && (arrival.email.is_none() || arrival.email.as_deref() == mail)
        && federated::groups(db, &user.id, &arrival.provider.id)? == arrival.groups
        && user.last_active_at == Some(day_of(now))
        && arrival.projects.is_empty()
        && !arrival.takes_away;
    Ok((same && !is_stale(db, arrival, &user.id, now)?).then_some(user.id))
}

/// Whether the time at which its groups were last verified counts and is not now.
fn is_stale(db: &Connection, arrival: &Arrival, user_id: &str, now: Timestamp) -> Result<bool, Fault> {
    if arrival.provider.authorization_ttl.is_none_or(|minutes| minutes == 0) || arrival.groups.is_empty() {
        return Ok(false);
    }
    Ok(federated::verified_at(db, user_id, &arrival.provider.id)? != Some(now))
}

/// Brings the tables to what `arrival` brings; the user's id.
pub(super) fn settle(db: &Connection, arrival: &Arrival, now: Timestamp) -> Result<String, Fault> {
    let user_id = settle_user(db, arrival, now)?;
    db::passwords::set_last_active(db, &user_id, day_of(now))?;
    federated::set_groups(db, &user_id, &arrival.provider.id, &arrival.groups, now)?;
    let mut kept = Vec::new();
    for provision in &arrival.projects {
        let project_id = settle_project(db, provision, now)?;
        for role_id in &provision.role_ids {
            give(db, &user_id, role_id, &project_id)?;
            kept.push((project_id.clone(), role_id.clone()));
        }
    }
    if arrival.takes_away {
        federated::retain_project_roles(db, &user_id, &kept)?;
    }
    Ok(user_id)
}

fn give(db: &Connection, user_id: &str, role_id: &str, project_id: &str) -> Result<(), Fault> {
    let holding = Holding::Project(project_id.to_owned());
    assignments::insert(db, &Assignment::of_user(user_id, role_id, holding))
}

fn settle_user(db: &Connection, arrival: &Arrival, now: Timestamp) -> Result<String, Fault> {
    match federated::find(db, &arrival.provider.id, &arrival.protocol_id, &arrival.unique_id)? {
        Some(known) => {
            let mut user = db::users::get(db, &known.user_id)?;
            let mut change = json!({});
            if known.display_name.as_ref() != Some(&arrival.display_name) {
                federated::rename(db, &known, &arrival.display_name)?;
                // A user of our own, whom an administrator gave this account, is called as before.
                if known.shadow {
                    put(&mut change, "name", json!(free_name(db, arrival, &user.domain_id, &user.id)?));
                }
            }
            if let Some(email) = &arrival.email {
                put(&mut change, "email", json!(email));
            }
            user.apply(attributes(change), false, now)?;
            db::users::update(db, &user)?;
            Ok(user.id)
        }
        None => make_user(db, arrival, now),
    }
}

fn make_user(db: &Connection, arrival: &Arrival, now: Timestamp) -> Result<String, Fault> {
    // Not the hash of its name there, as in Keystone: a user who comes anew after having been deleted is another one.
    let id = kit::ids::UserId::random_hex().to_string();
    let name = free_name(db, arrival, &arrival.domain_id, &id)?;
    let mut given = json!({ "name": name, "domain_id": arrival.domain_id });
    if let Some(email) = &arrival.email {
        put(&mut given, "email", json!(email));
    }
    let mut user = User::new(id, attributes(given), None, now);
    // The token that this login leads to counts from its beginning, which was before this.
    user.tokens_valid_since = Timestamp::UNIX_EPOCH;
    db::users::insert(db, &user)?;
    federated::insert(
        db,
        &FederatedUser {
            idp_id: arrival.provider.id.clone(),
            protocol_id: arrival.protocol_id.clone(),
            unique_id: arrival.unique_id.clone(),
            user_id: user.id.clone(),
            display_name: Some(arrival.display_name.clone()),
            shadow: true,
        },
    )?;
    Ok(user.id)
}

/// The name that the user gets: that at the provider, unless another user of the domain has it. Keystone lets several users
/// have one name there; a login by name could mean either.
fn free_name(db: &Connection, arrival: &Arrival, domain_id: &str, user_id: &str) -> Result<String, Fault> {
    let name = arrival.display_name.trim();
    let taken = |name: &str| Ok::<_, Fault>(db::users::named(db, name, domain_id)?.is_some_and(|it| it.id != user_id));
    if !taken(name)? {
        return Ok(name.to_owned());
    }
    let distinct = format!("{name} ({})", arrival.unique_id);
    if taken(&distinct)? { Ok(format!("{name} ({user_id})")) } else { Ok(distinct) }
}

fn settle_project(db: &Connection, provision: &Provision, now: Timestamp) -> Result<String, Fault> {
    if let Some(project) = db::projects::project_named(db, &provision.name, &provision.domain_id)? {
        return Ok(project.id);
    }
    let given = attributes(json!({ "name": provision.name, "domain_id": provision.domain_id }));
    let project = Project::new_project(kit::ids::ProjectId::random_hex().to_string(), given, None, now);
    db::projects::insert(db, &project)?;
    tracing::info!(project_id = project.id, "a login has made a project, as its mapping says");
    Ok(project.id)
}

fn attributes(value: Value) -> Attributes {
    match value {
        Value::Object(object) => Attributes::new(object),
        _ => Attributes::default(),
    }
}

/// As Keystone writes the id that somebody has at a provider.
fn quoted(id: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    percent_encoding::utf8_percent_encode(id, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_keystone_writes_them() {
        assert_eq!(quoted("a b@c/d|é"), "a%20b%40c/d%7C%C3%A9");
    }
}
