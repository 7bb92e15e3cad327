//! Who sees an image.
//!
//! | visibility | seen by | in lists |
//! |---|---|---|
//! | public | everybody | of everybody |
//! | community | everybody who knows its id | where asked for by `visibility`, and of its owner |
//! | shared | its owner and its members | of its owner, and of members by the status of their membership |
//! | private | its owner | of its owner |
//!
//! An image without an owner is seen by everybody; an administrator sees every image.

use kit::RequestContext;
use kit::ids::ProjectId;

use super::image::Image;

/// Who can see an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody, in all lists.
    Public,
    /// Everybody, in lists where asked for.
    Community,
    /// Its owner and its members.
    Shared,
    /// Its owner.
    Private,
}

impl Visibility {
    const ALL: [Self; 4] = [Self::Community, Self::Public, Self::Private, Self::Shared];

    /// All names, in the order in which Glance lists them.
    pub fn names() -> [&'static str; 4] {
        Self::ALL.map(Self::as_str)
    }

    /// Glance's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Community => "community",
            Self::Shared => "shared",
            Self::Private => "private",
        }
    }

    /// The visibility that Glance calls `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|visibility| visibility.as_str() == text)
    }
}

/// Who looks at images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// Whether it is an administrator.
    pub admin: bool,
    /// The project that the token is for.
    pub project: Option<ProjectId>,
}

impl Viewer {
    /// The caller.
    pub fn of(context: &RequestContext) -> Self {
        Self { admin: context.is_admin(), project: context.project_id().cloned() }
    }

    /// Whether `image` is the viewer's own project's.
    pub fn owns(&self, image: &Image) -> bool {
        self.project.is_some() && self.project == image.owner
    }

    /// Whether the viewer may know that `image` exists; `is_member` says whether the image is shared with its project.
    pub fn sees(&self, image: &Image, is_member: bool) -> bool {
        self.admin
            || image.owner.is_none()
            || self.owns(image)
            || match image.visibility {
                Visibility::Public | Visibility::Community => true,
                Visibility::Shared => is_member && self.project.is_some(),
                Visibility::Private => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(visibility: Visibility, owner: Option<&str>) -> Image {
        let mut image = Image::new("i".into(), owner.map(ProjectId::new), kit::Timestamp::UNIX_EPOCH);
        image.visibility = visibility;
        image
    }

    #[test]
    fn each_visibility_has_its_viewers() {
        use Visibility::{Community, Private, Public, Shared};
        let viewer = |project: Option<&str>| Viewer { admin: false, project: project.map(ProjectId::new) };
        let seen = |viewer: &Viewer, is_member| -> Vec<Visibility> {
            [Public, Community, Shared, Private]
                .into_iter()
                .filter(|visibility| viewer.sees(&image(*visibility, Some("owner")), is_member))
                .collect()
        };
        assert_eq!(seen(&viewer(Some("owner")), false), [Public, Community, Shared, Private]);
        assert_eq!(seen(&viewer(Some("other")), false), [Public, Community]);
        assert_eq!(seen(&viewer(Some("other")), true), [Public, Community, Shared]);
        assert_eq!(seen(&viewer(None), true), [Public, Community]);
        assert_eq!(seen(&Viewer { admin: true, project: None }, false), [Public, Community, Shared, Private]);
        assert!(viewer(None).sees(&image(Private, None), false));
        assert!(!viewer(None).owns(&image(Private, None)));
    }
}
