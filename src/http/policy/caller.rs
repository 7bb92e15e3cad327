//! What a check can ask about the caller: the attributes that oslo.context hands to a policy, and Keystone's `token`.

use kit::{Identity, RequestContext, RoleRef, Scope};

/// An attribute of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    UserId,
    UserName,
    UserDomainId,
    UserDomainName,
    ProjectId,
    ProjectName,
    ProjectDomainId,
    ProjectDomainName,
    DomainId,
    DomainName,
    SystemScope,
    TokenSystem,
    TokenProject(Part),
    TokenDomain(Part),
    RoleNames,
    RoleIds,
    IsAdmin,
    IsAdminProject,
    RequestId,
    /// One that there is, and that is null in every token of this cloud: `service_user_id`.
    Null,
}

/// A part of what a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Id,
    Name,
    DomainId,
    DomainName,
}

/// An attribute's value.
pub(super) enum Held<'c> {
    Text(&'c str),
    /// `None`, as in a token that is for no project.
    Null,
    /// One of these is enough.
    Names(&'c [RoleRef]),
    /// One of these is enough.
    Ids(&'c [RoleRef]),
}

impl Attribute {
    /// The attribute called `name`, where there is one.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "user_id" | "user" | "token.user.id" => Self::UserId,
            "user_name" | "token.user.name" => Self::UserName,
            "user_domain_id" | "token.user.domain.id" => Self::UserDomainId,
            "user_domain_name" | "token.user.domain.name" => Self::UserDomainName,
            "project_id" | "tenant_id" | "tenant" => Self::ProjectId,
            "project_name" | "tenant_name" => Self::ProjectName,
            "project_domain_id" => Self::ProjectDomainId,
            "project_domain_name" => Self::ProjectDomainName,
            "domain_id" => Self::DomainId,
            "domain_name" => Self::DomainName,
            "system_scope" | "system" => Self::SystemScope,
            "token.system.all" => Self::TokenSystem,
            "token.project.id" => Self::TokenProject(Part::Id),
            "token.project.name" => Self::TokenProject(Part::Name),
            "token.project.domain.id" => Self::TokenProject(Part::DomainId),
            "token.project.domain.name" => Self::TokenProject(Part::DomainName),
            "token.domain.id" => Self::TokenDomain(Part::Id),
            "token.domain.name" => Self::TokenDomain(Part::Name),
            "roles" | "token.roles.name" => Self::RoleNames,
            "token.roles.id" => Self::RoleIds,
            "is_admin" => Self::IsAdmin,
            "is_admin_project" => Self::IsAdminProject,
            "request_id" => Self::RequestId,
            "service_user_id"
            | "service_user_domain_id"
            | "service_project_id"
            | "service_project_domain_id"
            | "service_roles" => Self::Null,
            _ => return None,
        })
    }

    /// Its value; nothing where the caller has none, so that no comparison with it holds.
    pub(super) fn of(self, context: &RequestContext) -> Option<Held<'_>> {
        let identity = context.identity()?;
        let project = identity.project();
        let user = &identity.user;
        match self {
            Self::UserId => text(Some(user.id.as_str())),
            Self::UserName => text(Some(&user.name)),
            Self::UserDomainId => text(Some(user.domain.id.as_str())),
            Self::UserDomainName => text(Some(&user.domain.name)),
            Self::ProjectId => text(project.map(|project| project.id.as_str())),
            Self::ProjectName => text(project.map(|project| project.name.as_str())),
            Self::ProjectDomainId => text(project.map(|project| project.domain.id.as_str())),
            Self::ProjectDomainName => text(project.map(|project| project.domain.name.as_str())),
            Self::DomainId => text(domain(identity, Part::Id)),
            Self::DomainName => text(domain(identity, Part::Name)),
            Self::SystemScope => text((identity.scope == Scope::System).then_some("all")),
            Self::TokenSystem => (identity.scope == Scope::System).then_some(Held::Text("True")),
            Self::TokenProject(part) => project.map(|project| match part {
                Part::Id => Held::Text(project.id.as_str()),
                Part::Name => Held::Text(&project.name),
                Part::DomainId => Held::Text(project.domain.id.as_str()),
                Part::DomainName => Held::Text(&project.domain.name),
            }),
            Self::TokenDomain(part) => domain(identity, part).map(Held::Text),
            Self::RoleNames => Some(Held::Names(&identity.roles)),
            Self::RoleIds => Some(Held::Ids(&identity.roles)),
            Self::IsAdmin => text(Some(if context.is_admin() { "True" } else { "False" })),
            Self::IsAdminProject => text(Some("True")),
            Self::RequestId => text(Some(&context.request_id)),
            Self::Null => Some(Held::Null),
        }
    }
}

/// Text, or null.
fn text(text: Option<&str>) -> Option<Held<'_>> {
    Some(text.map_or(Held::Null, Held::Text))
}

/// The domain that the token is for.
fn domain(identity: &Identity, part: Part) -> Option<&str> {
    match (&identity.scope, part) {
        (Scope::Domain(domain), Part::Id) => Some(domain.id.as_str()),
        (Scope::Domain(domain), Part::Name) => Some(&domain.name),
        _ => None,
    }
}

impl Held<'_> {
    /// For people.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => format!("{text:?}"),
            Self::Null => "None".to_owned(),
            Self::Names(roles) => format!("{:?}", roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>()),
            Self::Ids(roles) => format!("{:?}", roles.iter().map(|role| role.id.as_str()).collect::<Vec<_>>()),
        }
    }
}
