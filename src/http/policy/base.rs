//! The rules that most services share, under the names that OpenStack's services give them.
//!
//! A service's own table goes over these; roles in a token already contain the implied ones.

use super::Rule;

/// See the module.
pub(super) const RULES: &[Rule] = &[
    Rule::new("context_is_admin", "role:admin", "An administrator."),
    Rule::new("admin_required", "role:admin or is_admin:1", "An administrator."),
    Rule::new("admin_api", "role:admin", "An administrator."),
    Rule::new("admin_only", "rule:context_is_admin", "An administrator."),
    Rule::new("context_is_advsvc", "role:advsvc", "An advanced service."),
    Rule::new("service_api", "role:service", "One of the cloud's own services."),
    Rule::new("service_role", "role:service", "One of the cloud's own services."),
    Rule::new("service_or_admin", "rule:admin_required or rule:service_role", "A service or an administrator."),
    Rule::new("owner", "user_id:%(user_id)s", "The user whose thing it is."),
    Rule::new(
        "admin_or_owner",
        "rule:context_is_admin or project_id:%(project_id)s",
        "The project or an administrator.",
    ),
    Rule::new("project_reader", "role:reader and project_id:%(project_id)s", "A reader of the project."),
    Rule::new("project_member", "role:member and project_id:%(project_id)s", "A member of the project."),
    Rule::new("project_manager", "role:manager and project_id:%(project_id)s", "A manager of the project."),
    Rule::new("project_reader_api", "role:reader and project_id:%(project_id)s", "A reader of the project."),
    Rule::new("project_member_api", "role:member and project_id:%(project_id)s", "A member of the project."),
    Rule::new("project_manager_api", "role:manager and project_id:%(project_id)s", "A manager of the project."),
    Rule::new(
        "project_reader_or_admin",
        "rule:project_reader_api or rule:context_is_admin",
        "A reader or an administrator.",
    ),
    Rule::new(
        "project_member_or_admin",
        "rule:project_member_api or rule:context_is_admin",
        "A member or an administrator.",
    ),
    Rule::new(
        "project_manager_or_admin",
        "rule:project_manager_api or rule:context_is_admin",
        "A manager or an administrator.",
    ),
    Rule::new("system_reader", "role:reader and system_scope:all", "A reader of the system."),
    Rule::new("system_admin", "role:admin and system_scope:all", "An administrator of the system."),
    Rule::new("deny", "!", "Nobody."),
    Rule::new("default", "rule:context_is_admin", "What names no rule of its own."),
];
