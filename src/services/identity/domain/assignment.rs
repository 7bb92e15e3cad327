//! Role assignments: who holds which role on what, whether it holds there or on the projects below, and how one that
//! was not given itself came about.

use super::role::Holding;

/// Who holds a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Actor {
    User(String),
    /// All members of a group.
    Group(String),
}

impl Actor {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::User(id) | Self::Group(id) => id,
        }
    }

    /// The column that holds its id.
    pub(crate) fn column(&self) -> &'static str {
        match self {
            Self::User(_) => "user_id",
            Self::Group(_) => "group_id",
        }
    }
}

/// A role that was given to somebody on something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) actor: Actor,
    pub(crate) role_id: String,
    pub(crate) holding: Holding,
    /// Whether it holds on the projects below instead of on the place itself.
    pub(crate) inherited: bool,
}

impl Assignment {
    /// A user's role on the place itself.
    pub(crate) fn of_user(user_id: &str, role_id: &str, holding: Holding) -> Self {
        Self { actor: Actor::User(user_id.to_owned()), role_id: role_id.to_owned(), holding, inherited: false }
    }
}

/// Where an effective assignment comes from; nothing where it was given as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The group that its user holds it through.
    pub(crate) group_id: Option<String>,
    /// The place above that it is inherited from.
    pub(crate) place: Option<Holding>,
    /// The role that implies this one.
    pub(crate) prior_role_id: Option<String>,
}

/// Something's name, and the domain that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Naming {
    pub(crate) name: String,
    /// Id and name; none for what is in no domain.
    pub(crate) domain: Option<(String, String)>,
}

/// What the ids of an assignment stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) actor: Naming,
    pub(crate) role: Naming,
    /// None for the system.
    pub(crate) place: Option<Naming>,
}

/// An assignment as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) assignment: Assignment,
    pub(crate) origin: Origin,
    /// Where names are wanted.
    pub(crate) names: Option<Names>,
}
