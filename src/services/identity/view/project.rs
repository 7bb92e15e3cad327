//! Projects and domains.

use serde_json::{Value, json};

use super::with_extra;
use crate::domain::project::Project;

/// A project. One that acts as a domain has no `domain_id`.
pub(crate) fn project(project: &Project, base: &str) -> Value {
    let known = json!({
        "id": project.id,
        "name": project.name,
        "domain_id": project.domain_id,
        "description": project.description,
        "enabled": project.enabled,
        "parent_id": project.parent_id,
        "is_domain": project.is_domain,
        "tags": project.tags,
        "options": project.options,
    });
    with_extra(known, &project.extra, base, "projects", &project.id)
}

/// A domain.
pub(crate) fn domain(domain: &Project, base: &str) -> Value {
    let known = json!({
        "id": domain.id,
        "name": domain.name,
        "description": domain.description,
        "enabled": domain.enabled,
        "tags": domain.tags,
        "options": domain.options,
    });
    with_extra(known, &domain.extra, base, "domains", &domain.id)
}

#[cfg(test)]
mod tests {
    use kit::Timestamp;

    use super::*;
    use crate::domain::attributes::Attributes;

    #[test]
    fn a_project_and_a_domain_differ() {
        let given = json!({"name": "a", "tags": ["x"], "color": "red"});
        let given = || Attributes::new(given.as_object().unwrap().clone());
        let it = Project::new_project("p".to_owned(), given(), None, Timestamp::UNIX_EPOCH);
        insta::assert_json_snapshot!(project(&it, "http://c/v3"), @r#"
        {
          "color": "red",
          "description": "",
          "domain_id": "default",
          "enabled": true,
          "id": "p",
          "is_domain": false,
          "links": {
            "self": "http://c/v3/projects/p"
          },
          "name": "a",
          "options": {},
          "parent_id": "default",
          "tags": [
            "x"
          ]
        }
        "#);
        let it = Project::new_domain("d".to_owned(), given(), Timestamp::UNIX_EPOCH);
        insta::assert_json_snapshot!(domain(&it, "http://c/v3"), @r#"
        {
          "color": "red",
          "description": "",
          "enabled": true,
          "id": "d",
          "links": {
            "self": "http://c/v3/domains/d"
          },
          "name": "a",
          "options": {},
          "tags": [
            "x"
          ]
        }
        "#);
    }
}
