//! What is acted on, as far as a policy can ask about it.

use kit::RequestContext;

/// The attributes of the thing that is acted on.
///
/// [`Target::own`], the default, has the caller's own project, user and domain: what a list, a create or a check
/// before loading acts on.
#[derive(Debug, Clone, Default)]
pub struct Target {
    own: bool,
    attributes: Vec<(String, Owned)>,
}

#[derive(Debug, Clone)]
enum Owned {
    Text(String),
    Null,
    Bool(bool),
}

/// An attribute's value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'t> {
    Text(&'t str),
    Null,
    Bool(bool),
}

impl<'t> Value<'t> {
    /// As Python's `%s` prints it.
    pub(super) fn text(self) -> &'t str {
        match self {
            Value::Text(text) => text,
            Value::Null => "None",
            Value::Bool(true) => "True",
            Value::Bool(false) => "False",
        }
    }
}

impl Target {
    /// Nothing in particular: no attribute exists.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Something of the caller's own: attributes that end in a project's, user's or domain's id are his.
    #[must_use]
    pub fn own() -> Self {
        Self { own: true, attributes: Vec::new() }
    }

    /// Something of the project `id`.
    #[must_use]
    pub fn project(id: impl AsRef<str>) -> Self {
        Self::new().with("project_id", id)
    }

    /// Something of the user `id`.
    #[must_use]
    pub fn user(id: impl AsRef<str>) -> Self {
        Self::new().with("user_id", id)
    }

    /// Something of the domain `id`.
    #[must_use]
    pub fn domain(id: impl AsRef<str>) -> Self {
        Self::new().with("domain_id", id)
    }

    /// With the attribute `name`, such as `target.user.domain_id`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.attributes.push((name.to_owned(), Owned::Text(value.as_ref().to_owned())));
        self
    }

    /// With the attribute `name`, or with it being `None`.
    #[must_use]
    pub fn with_option(mut self, name: &str, value: Option<impl AsRef<str>>) -> Self {
        let value = value.map_or(Owned::Null, |value| Owned::Text(value.as_ref().to_owned()));
        self.attributes.push((name.to_owned(), value));
        self
    }

    /// With a boolean attribute `name`, such as `shared`.
    #[must_use]
    pub fn with_bool(mut self, name: &str, value: bool) -> Self {
        self.attributes.push((name.to_owned(), Owned::Bool(value)));
        self
    }

    /// The attribute `name`; `tenant_id` and `project_id` are the same.
    pub(super) fn get<'t>(&'t self, name: &str, context: &'t RequestContext) -> Option<Value<'t>> {
        let alias = if name == "tenant_id" { "project_id" } else { name };
        let found = self.attributes.iter().rev().find(|(key, _)| key == name || key == alias);
        match found {
            Some((_, Owned::Text(text))) => Some(Value::Text(text)),
            Some((_, Owned::Null)) => Some(Value::Null),
            Some((_, Owned::Bool(truth))) => Some(Value::Bool(*truth)),
            None if self.own => own(alias, context).map(Value::Text),
            None => None,
        }
    }
}

/// The caller's own project, user or domain, by the end of the attribute's name.
fn own<'c>(name: &str, context: &'c RequestContext) -> Option<&'c str> {
    let identity = context.identity()?;
    let ends =
        |what: &str| name.strip_suffix(what).is_some_and(|rest| rest.is_empty() || rest.ends_with(['.', ':', '_']));
    let domain = || match &identity.scope {
        kit::Scope::Domain(domain) => domain.id.as_str(),
        kit::Scope::Project(project) => project.domain.id.as_str(),
        _ => identity.user.domain.id.as_str(),
    };
    if ends("domain_id") || ends("domain.id") {
        Some(domain())
    } else if ends("project_id") || ends("project.id") || ends("tenant_id") {
        identity.project().map(|project| project.id.as_str())
    } else if ends("user_id") || ends("user.id") {
        Some(identity.user.id.as_str())
    } else {
        None
    }
}
