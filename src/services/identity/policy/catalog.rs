//! The rules for what is about endpoints: their choice for projects, policies for them; and for domains' own
//! configuration, which has the same two: administrators change it, readers of the system read it.

use http_kit::{Rule, Scopes};

use super::{ADMIN, ADMIN_OR_SYSTEM_READER as READER};

/// These rules.
pub static RULES: &[Rule] = &[
    Rule::new("identity:create_endpoint_group", ADMIN, "Create endpoint group.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_endpoint_groups", READER, "List endpoint groups.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_endpoint_group", READER, "Show endpoint group.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_endpoint_group", ADMIN, "Change endpoint group.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_endpoint_group", ADMIN, "Delete endpoint group.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new(
        "identity:list_projects_associated_with_endpoint_group",
        READER,
        "List the projects that an endpoint group was chosen for.",
    )
    .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_endpoints_associated_with_endpoint_group", READER, "List the endpoints of a group.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_endpoint_group_in_project", READER, "Show that a group was chosen for a project.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_endpoint_groups_for_project", READER, "List the groups that were chosen for a project.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:add_endpoint_group_to_project", ADMIN, "Choose an endpoint group for a project.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:remove_endpoint_group_from_project", ADMIN, "Take the choice of a group for a project back.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_projects_for_endpoint", READER, "List the projects that an endpoint was chosen for.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_endpoints_for_project", READER, "List the endpoints that were chosen for a project.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:check_endpoint_in_project", READER, "Check that an endpoint was chosen for a project.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:add_endpoint_to_project", ADMIN, "Choose an endpoint for a project.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:remove_endpoint_from_project", ADMIN, "Take the choice of an endpoint for a project back.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_policy", READER, "Show policy.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_policies", READER, "List policies.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_policy", ADMIN, "Create policy.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_policy", ADMIN, "Change policy.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_policy", ADMIN, "Delete policy.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_policy_for_endpoint", READER, "Show the policy of an endpoint.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_endpoints_for_policy", READER, "List the endpoints that a policy is for.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_policy_association_for_endpoint", ADMIN, "Give an endpoint a policy.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:check_policy_association_for_endpoint", READER, "Check that an endpoint has a policy.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_policy_association_for_endpoint", ADMIN, "Take an endpoint's policy away.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_policy_association_for_service", ADMIN, "Give a service a policy.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:check_policy_association_for_service", READER, "Check that a service has a policy.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_policy_association_for_service", ADMIN, "Take a service's policy away.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new(
        "identity:create_policy_association_for_region_and_service",
        ADMIN,
        "Give a service in a region a policy.",
    )
    .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new(
        "identity:check_policy_association_for_region_and_service",
        READER,
        "Check that a service in a region has a policy.",
    )
    .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new(
        "identity:delete_policy_association_for_region_and_service",
        ADMIN,
        "Take the policy of a service in a region away.",
    )
    .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_domain_config", ADMIN, "Set a domain's configuration.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_domain_config", READER, "Show a domain's configuration.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_security_compliance_domain_config", "", "Show the rule for passwords."),
    Rule::new("identity:update_domain_config", ADMIN, "Change a domain's configuration.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_domain_config", ADMIN, "Delete a domain's configuration.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_domain_config_default", READER, "Show what holds where a domain sets nothing.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_revoke_events", "rule:service_or_admin", "List revocation events.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
];
