//! What a mapping makes of somebody: a user, groups, projects.

use serde::Deserialize;
use serde_json::Value;

use super::template::{Matches, Template, parse_list};
use super::{Mapped, MappedProject, MappedUser, MappingError, NamedGroup, UserKind, Version};
use crate::domain::login::DomainNamed;

/// A local side, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    user: Option<User<String>>,
    projects: Option<Vec<Project<String>>>,
    projects_json: Option<String>,
    group: Option<Group>,
    groups: Option<String>,
    group_ids: Option<String>,
    domain: Option<Domain<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct User<T> {
    id: Option<T>,
    name: Option<T>,
    email: Option<T>,
    domain: Option<Domain<T>>,
    #[serde(rename = "type")]
    kind: Option<UserKind>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Domain<T> {
    id: Option<T>,
    name: Option<T>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    id: Option<String>,
    name: Option<String>,
    domain: Option<Domain<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Project<T> {
    name: T,
    roles: Vec<RoleName<T>>,
    domain: Option<Domain<T>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleName<T> {
    name: T,
}

/// A local side.
#[derive(Debug)]
pub(super) struct Local {
    user: Option<User<Template>>,
    projects: Option<Vec<Project<Template>>>,
    projects_json: Option<Template>,
    group: Option<GroupTemplate>,
    groups: Option<Vec<Template>>,
    group_ids: Option<Vec<Template>>,
    domain: Option<Domain<Template>>,
}

#[derive(Debug)]
enum GroupTemplate {
    Id(Template),
    Name(Template, Domain<Template>),
}

impl Local {
    /// Reads a local side whose remote side stands for `matches` values.
    ///
    /// # Errors
    /// Where it names what there is not, or has what `version` does not know.
    pub(super) fn read(written: Written, version: Version, matches: usize) -> Result<Self, MappingError> {
        let template = |text: String| Template::parse(&text, matches);
        let list = |text: String| parse_list(&text, matches);
        if written.projects_json.is_some() && version < Version::Three {
            return Err(MappingError::Unknown("projects_json"));
        }
        let projects = written.projects.map(|projects| read_projects(projects, version, &template)).transpose()?;
        Ok(Self {
            user: written.user.map(|user| user.map(&template)).transpose()?,
            projects,
            projects_json: written.projects_json.map(template).transpose()?,
            group: written.group.map(|group| group.read(&template)).transpose()?,
            groups: written.groups.map(list).transpose()?,
            group_ids: written.group_ids.map(list).transpose()?,
            domain: written.domain.map(|domain| domain.map(&template)).transpose()?,
        })
    }

    /// Adds to `mapped` what it makes of `matches`. The first user counts, and the last projects.
    ///
    /// # Errors
    /// For groups without a domain and for JSON that is none.
    pub(super) fn add_to(&self, mapped: &mut Mapped, matches: &Matches) -> Result<(), MappingError> {
        let domain = self.domain.as_ref().and_then(|domain| domain.fill(matches));
        if let (Some(user), None) = (&self.user, &mapped.user) {
            mapped.user = Some(user.fill(matches));
        }
        // From version 2 on, the domain of the last local side is that of what names none.
        mapped.default_domain.clone_from(&domain);
        match &self.group {
            Some(GroupTemplate::Id(id)) => mapped.group_ids.push(id.text(matches)),
            Some(GroupTemplate::Name(name, domain)) => {
                let domain = domain.fill(matches).ok_or(MappingError::GroupDomain)?;
                mapped.groups.push(NamedGroup { name: name.text(matches), domain });
            }
            None => {}
        }
        for name in self.groups.iter().flatten().flat_map(|template| template.texts(matches)) {
            mapped.groups.push(named_group(name, domain.as_ref())?);
        }
        mapped.group_ids.extend(self.group_ids.iter().flatten().flat_map(|template| template.texts(matches)));
        if self.projects.is_some() || self.projects_json.is_some() {
            mapped.projects = self.fill_projects(matches, domain.as_ref())?;
        }
        Ok(())
    }

    fn fill_projects(
        &self,
        matches: &Matches,
        domain: Option<&DomainNamed>,
    ) -> Result<Vec<MappedProject>, MappingError> {
        let mut projects = Vec::new();
        for project in self.projects.iter().flatten() {
            let own = project.domain.as_ref().and_then(|domain| domain.fill(matches));
            projects.push(MappedProject {
                name: project.name.text(matches),
                domain: own.or_else(|| domain.cloned()),
                roles: project.roles.iter().map(|role| role.name.text(matches)).collect(),
            });
        }
        if let Some(template) = &self.projects_json {
            let sent = serde_json::from_str::<Vec<Project<String>>>(&template.text(matches));
            for project in sent.map_err(|error| MappingError::Json(error.to_string()))? {
                let own = project.domain.and_then(Domain::named);
                projects.push(MappedProject {
                    name: project.name,
                    domain: own.or_else(|| domain.cloned()),
                    roles: project.roles.into_iter().map(|role| role.name).collect(),
                });
            }
        }
        Ok(projects)
    }
}

fn read_projects(
    projects: Vec<Project<String>>,
    version: Version,
    template: &impl Fn(String) -> Result<Template, MappingError>,
) -> Result<Vec<Project<Template>>, MappingError> {
    if version < Version::Two && projects.iter().any(|project| project.domain.is_some()) {
        return Err(MappingError::Unknown("domain"));
    }
    let read = |project: Project<String>| {
        Ok(Project {
            name: template(project.name)?,
            roles: project
                .roles
                .into_iter()
                .map(|role| Ok(RoleName { name: template(role.name)? }))
                .collect::<Result<_, MappingError>>()?,
            domain: project.domain.map(|domain| domain.map(template)).transpose()?,
        })
    };
    projects.into_iter().map(read).collect()
}

/// A group by its name, or by what `JSON:` announces.
fn named_group(name: String, domain: Option<&DomainNamed>) -> Result<NamedGroup, MappingError> {
    let Some(json) = name.strip_prefix("JSON:") else {
        let domain = domain.cloned().ok_or(MappingError::GroupDomain)?;
        return Ok(NamedGroup { name, domain });
    };
    let value: Value = serde_json::from_str(json).map_err(|error| MappingError::Json(error.to_string()))?;
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let domain = Domain { id: text("/domain/id"), name: text("/domain/name") };
    match (text("/name"), domain.named()) {
        (Some(name), Some(domain)) => Ok(NamedGroup { name, domain }),
        _ => Err(MappingError::GroupDomain),
    }
}

impl User<String> {
    fn map(self, template: &impl Fn(String) -> Result<Template, MappingError>) -> Result<User<Template>, MappingError> {
        Ok(User {
            id: self.id.map(template).transpose()?,
            name: self.name.map(template).transpose()?,
            email: self.email.map(template).transpose()?,
            domain: self.domain.map(|domain| domain.map(template)).transpose()?,
            kind: self.kind,
        })
    }
}

impl User<Template> {
    fn fill(&self, matches: &Matches) -> MappedUser {
        let text =
            |template: &Option<Template>| template.as_ref().map(|it| it.text(matches)).filter(|it| !it.is_empty());
        MappedUser {
            kind: self.kind.unwrap_or_default(),
            id: text(&self.id),
            name: text(&self.name),
            email: text(&self.email),
            domain: self.domain.as_ref().and_then(|domain| domain.fill(matches)),
        }
    }
}

impl Domain<String> {
    fn map(
        self,
        template: &impl Fn(String) -> Result<Template, MappingError>,
    ) -> Result<Domain<Template>, MappingError> {
        Ok(Domain { id: self.id.map(template).transpose()?, name: self.name.map(template).transpose()? })
    }

    fn named(self) -> Option<DomainNamed> {
        self.id.map(DomainNamed::Id).or_else(|| self.name.map(DomainNamed::Name))
    }
}

impl Domain<Template> {
    fn fill(&self, matches: &Matches) -> Option<DomainNamed> {
        let text = |template: &Option<Template>| template.as_ref().map(|template| template.text(matches));
        Domain { id: text(&self.id), name: text(&self.name) }.named()
    }
}

impl Group {
    fn read(self, template: &impl Fn(String) -> Result<Template, MappingError>) -> Result<GroupTemplate, MappingError> {
        match (self.id, self.name, self.domain) {
            (Some(id), None, None) => Ok(GroupTemplate::Id(template(id)?)),
            (None, Some(name), Some(domain)) => Ok(GroupTemplate::Name(template(name)?, domain.map(template)?)),
            _ => Err(MappingError::Group),
        }
    }
}
