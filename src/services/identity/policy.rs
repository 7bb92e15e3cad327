//! Identity's policy rules: Keystone's own names and defaults.
//!
//! Three personas come back in most of them: an administrator, a reader of the system, and a reader or manager of the
//! domain that the thing is in.

pub mod catalog;

use http_kit::{Rule, Scopes};

const ADMIN: &str = "rule:admin_required";
const ADMIN_OR_SYSTEM_READER: &str = "rule:admin_required or (role:reader and system_scope:all)";
const CHANGE_GRANT: &str = "(rule:admin_required) or ((role:admin and domain_id:%(target.user.domain_id)s and \
     domain_id:%(target.project.domain_id)s) or (role:admin and domain_id:%(target.user.domain_id)s and \
     domain_id:%(target.domain.id)s) or (role:admin and domain_id:%(target.group.domain_id)s and \
     domain_id:%(target.project.domain_id)s) or (role:admin and domain_id:%(target.group.domain_id)s and \
     domain_id:%(target.domain.id)s)) and (domain_id:%(target.role.domain_id)s or \
     None:%(target.role.domain_id)s) or ((role:manager and domain_id:%(target.user.domain_id)s and \
     domain_id:%(target.project.domain_id)s) or (role:manager and domain_id:%(target.user.domain_id)s and \
     domain_id:%(target.domain.id)s) or (role:manager and domain_id:%(target.group.domain_id)s and \
     domain_id:%(target.project.domain_id)s) or (role:manager and domain_id:%(target.group.domain_id)s \
     and domain_id:%(target.domain.id)s)) and rule:domain_managed_target_role";
const ADMIN_OR_DOMAIN_MANAGER_OF_PROJECT: &str = "(rule:admin_required) or (role:manager and domain_id:%(target.project.domain_id)s and not \
     None:%(target.project.domain_id)s)";
const PROJECT_READER: &str = "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and \
     domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s) or \
     project_id:%(target.project.id)s";
const DOMAIN_READER: &str = "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and \
     domain_id:%(target.domain_id)s)";
const ADMIN_OR_DOMAIN_MANAGER_OF_USER: &str =
    "(rule:admin_required) or (role:manager and token.domain.id:%(target.user.domain_id)s)";
const CHECK_GRANT: &str = "(rule:admin_required) or ((role:reader and system_scope:all) or ((role:reader and \
     domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:reader and \
     domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or (role:reader and \
     domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:reader and \
     domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s)) and \
     (domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s))";
const LIST_GRANTS: &str = "(rule:admin_required) or ((role:reader and system_scope:all) or (role:reader and \
     domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:reader and \
     domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or (role:reader and \
     domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:reader and \
     domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s))";

const ADMIN_OR_SYSTEM_READER_OR_OWNER: &str =
    "(rule:admin_required) or (role:reader and system_scope:all) or rule:owner";
const READ_TRUST: &str = "(rule:admin_required) or (role:reader and system_scope:all or \
     user_id:%(target.trust.trustor_user_id)s or user_id:%(target.trust.trustee_user_id)s)";
const GROUP_READER: &str = "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and \
     domain_id:%(target.group.domain_id)s)";
const ADMIN_OR_DOMAIN_MANAGER_OF_GROUP: &str =
    "(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s)";
const ADMIN_OR_DOMAIN_MANAGER_OF_MEMBER: &str = "(rule:admin_required) or (role:manager and \
     domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)";

const READ_CREDENTIAL: &str = "(rule:admin_required) or (role:reader and system_scope:all) or \
     user_id:%(target.credential.user_id)s";
const CHANGE_CREDENTIAL: &str = "(rule:admin_required) or user_id:%(target.credential.user_id)s";
const CHANGE_EC2_CREDENTIAL: &str = "(rule:admin_required) or (role:member and user_id:%(target.credential.user_id)s)";

/// Identity's policy.
pub static RULES: &[Rule] = &[
    Rule::new("admin_required", "role:admin or is_admin:1", "An administrator."),
    Rule::new("service_role", "role:service", "One of the cloud's own services."),
    Rule::new("service_or_admin", "rule:admin_required or rule:service_role", "A service or an administrator."),
    Rule::new("owner", "user_id:%(user_id)s", "The user whose thing it is."),
    Rule::new("admin_or_owner", "rule:admin_required or rule:owner", "An administrator or the owner."),
    Rule::new("token_subject", "user_id:%(target.token.user_id)s", "The token's own user."),
    Rule::new(
        "admin_or_token_subject",
        "rule:admin_required or rule:token_subject",
        "An administrator or the token's own user.",
    ),
    Rule::new(
        "service_admin_or_token_subject",
        "rule:service_or_admin or rule:token_subject",
        "A service, an administrator or the token's own user.",
    ),
    Rule::new(
        "domain_managed_target_role",
        "'manager':%(target.role.name)s or 'member':%(target.role.name)s or 'reader':%(target.role.name)s",
        "The roles that a manager of a domain may give and take.",
    ),
    Rule::new(
        "identity:get_domain",
        "rule:admin_required or (role:reader and system_scope:all) or token.domain.id:%(target.domain.id)s or \
     token.project.domain.id:%(target.domain.id)s",
        "Show domain.",
    ),
    Rule::new(
        "identity:list_domains",
        "rule:admin_required or (role:reader and system_scope:all) or (role:reader and \
     domain_id:%(target.domain.id)s)",
        "List domains.",
    ),
    Rule::new("identity:create_domain", ADMIN, "Create domain.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_domain", ADMIN, "Change domain.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_domain", ADMIN, "Delete domain.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_project", PROJECT_READER, "Show project."),
    Rule::new("identity:list_projects", DOMAIN_READER, "List projects."),
    Rule::new(
        "identity:list_user_projects",
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and \
     domain_id:%(target.user.domain_id)s) or user_id:%(target.user.id)s",
        "List user projects.",
    ),
    Rule::new("identity:create_project", ADMIN_OR_DOMAIN_MANAGER_OF_PROJECT, "Create project."),
    Rule::new("identity:update_project", ADMIN_OR_DOMAIN_MANAGER_OF_PROJECT, "Change project."),
    Rule::new("identity:delete_project", ADMIN_OR_DOMAIN_MANAGER_OF_PROJECT, "Delete project."),
    Rule::new("identity:list_project_tags", PROJECT_READER, "List project tags."),
    Rule::new("identity:get_project_tag", PROJECT_READER, "Show project tag."),
    Rule::new("identity:update_project_tags", ADMIN_OR_DOMAIN_MANAGER_OF_PROJECT, "Change project tags."),
    Rule::new("identity:create_project_tag", ADMIN_OR_DOMAIN_MANAGER_OF_PROJECT, "Create project tag."),
    Rule::new("identity:delete_project_tags", ADMIN_OR_DOMAIN_MANAGER_OF_PROJECT, "Delete project tags."),
    Rule::new("identity:delete_project_tag", ADMIN_OR_DOMAIN_MANAGER_OF_PROJECT, "Delete project tag."),
    Rule::new(
        "identity:get_user",
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and \
     token.domain.id:%(target.user.domain_id)s) or user_id:%(target.user.id)s",
        "Show user.",
    ),
    Rule::new("identity:list_users", DOMAIN_READER, "List users."),
    Rule::new("identity:create_user", ADMIN_OR_DOMAIN_MANAGER_OF_USER, "Create user."),
    Rule::new("identity:update_user", ADMIN_OR_DOMAIN_MANAGER_OF_USER, "Change user."),
    Rule::new("identity:delete_user", ADMIN_OR_DOMAIN_MANAGER_OF_USER, "Delete user."),
    Rule::new("identity:get_group", GROUP_READER, "Show group."),
    Rule::new("identity:list_groups", GROUP_READER, "List groups."),
    Rule::new(
        "identity:list_groups_for_user",
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and \
     domain_id:%(target.user.domain_id)s) or user_id:%(user_id)s",
        "List groups for user.",
    ),
    Rule::new("identity:create_group", ADMIN_OR_DOMAIN_MANAGER_OF_GROUP, "Create group."),
    Rule::new("identity:update_group", ADMIN_OR_DOMAIN_MANAGER_OF_GROUP, "Change group."),
    Rule::new("identity:delete_group", ADMIN_OR_DOMAIN_MANAGER_OF_GROUP, "Delete group."),
    Rule::new("identity:list_users_in_group", GROUP_READER, "List users in group."),
    Rule::new(
        "identity:check_user_in_group",
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and \
     domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)",
        "Check user in group.",
    ),
    Rule::new("identity:add_user_to_group", ADMIN_OR_DOMAIN_MANAGER_OF_MEMBER, "Add user to group."),
    Rule::new("identity:remove_user_from_group", ADMIN_OR_DOMAIN_MANAGER_OF_MEMBER, "Remove user from group."),
    Rule::new(
        "identity:get_role",
        "(rule:admin_required or (role:reader and system_scope:all)) or (role:manager and \
     rule:domain_managed_target_role)",
        "Show role.",
    ),
    Rule::new(
        "identity:list_roles",
        "(rule:admin_required or (role:reader and system_scope:all)) or (role:manager and not domain_id:None)",
        "List roles.",
    ),
    Rule::new("identity:create_role", ADMIN, "Create role.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_role", ADMIN, "Change role.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_role", ADMIN, "Delete role.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_domain_role", ADMIN_OR_SYSTEM_READER, "Show domain role.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_domain_roles", ADMIN_OR_SYSTEM_READER, "List domain roles.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_domain_role", ADMIN, "Create domain role.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_domain_role", ADMIN, "Change domain role.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_domain_role", ADMIN, "Delete domain role.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_implied_role", ADMIN_OR_SYSTEM_READER, "Show implied role.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_implied_roles", ADMIN_OR_SYSTEM_READER, "List implied roles.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_implied_role", ADMIN, "Create implied role.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_implied_role", ADMIN, "Delete implied role.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_role_inference_rules", ADMIN_OR_SYSTEM_READER, "List role inference rules.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:check_implied_role", ADMIN_OR_SYSTEM_READER, "Check implied role.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:check_grant", CHECK_GRANT, "Check grant."),
    Rule::new("identity:list_grants", LIST_GRANTS, "List grants."),
    Rule::new("identity:create_grant", CHANGE_GRANT, "Create grant."),
    Rule::new("identity:revoke_grant", CHANGE_GRANT, "Revoke grant."),
    Rule::new("identity:list_system_grants_for_user", ADMIN_OR_SYSTEM_READER, "List system grants for user.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:check_system_grant_for_user", ADMIN_OR_SYSTEM_READER, "Check system grant for user.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_system_grant_for_user", ADMIN, "Create system grant for user.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:revoke_system_grant_for_user", ADMIN, "Revoke system grant for user.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_system_grants_for_group", ADMIN_OR_SYSTEM_READER, "List system grants for group.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:check_system_grant_for_group", ADMIN_OR_SYSTEM_READER, "Check system grant for group.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_system_grant_for_group", ADMIN, "Create system grant for group.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:revoke_system_grant_for_group", ADMIN, "Revoke system grant for group.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_role_assignments", DOMAIN_READER, "List role assignments."),
    Rule::new("identity:list_role_assignments_for_tree", DOMAIN_READER, "List role assignments of a tree of projects."),
    Rule::new("identity:get_registered_limit", "", "Show registered limit."),
    Rule::new("identity:list_registered_limits", "", "List registered limits."),
    Rule::new("identity:create_registered_limits", ADMIN, "Create registered limits.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_registered_limit", ADMIN, "Change registered limit.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_registered_limit", ADMIN, "Delete registered limit.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_limit_model", "", "Show limit model."),
    Rule::new(
        "identity:get_limit",
        "rule:admin_required or (role:reader and system_scope:all) or (domain_id:%(target.limit.domain.id)s or \
     domain_id:%(target.limit.project.domain_id)s) or (project_id:%(target.limit.project_id)s and not \
     None:%(target.limit.project_id)s)",
        "Show limit.",
    ),
    Rule::new("identity:list_limits", "", "List limits."),
    Rule::new("identity:create_limits", ADMIN, "Create limits.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_limit", ADMIN, "Change limit.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_limit", ADMIN, "Delete limit.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_service", ADMIN_OR_SYSTEM_READER, "Show service.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_services", ADMIN_OR_SYSTEM_READER, "List services.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_service", ADMIN, "Create service.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_service", ADMIN, "Change service.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_service", ADMIN, "Delete service.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_endpoint", ADMIN_OR_SYSTEM_READER, "Show endpoint.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_endpoints", ADMIN_OR_SYSTEM_READER, "List endpoints.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_endpoint", ADMIN, "Create endpoint.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_endpoint", ADMIN, "Change endpoint.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_endpoint", ADMIN, "Delete endpoint.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_region", "", "Show region."),
    Rule::new("identity:list_regions", "", "List regions."),
    Rule::new("identity:create_region", ADMIN, "Create region.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_region", ADMIN, "Change region.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_region", ADMIN, "Delete region.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new(
        "identity:check_token",
        "rule:admin_required or (role:reader and system_scope:all) or rule:token_subject",
        "Check token.",
    ),
    Rule::new(
        "identity:validate_token",
        "rule:admin_required or (role:reader and system_scope:all) or rule:service_role or rule:token_subject",
        "Validate token.",
    ),
    Rule::new("identity:revoke_token", "rule:admin_required or rule:token_subject", "Revoke token."),
    Rule::new("identity:get_auth_catalog", "", "Show auth catalog."),
    Rule::new("identity:get_auth_projects", "", "Show auth projects."),
    Rule::new("identity:get_auth_domains", "", "Show auth domains."),
    Rule::new("identity:get_auth_system", "", "Show auth system."),
    Rule::new("identity:get_application_credential", ADMIN_OR_SYSTEM_READER_OR_OWNER, "Show application credential.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new(
        "identity:list_application_credentials",
        ADMIN_OR_SYSTEM_READER_OR_OWNER,
        "List application credentials.",
    )
    .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_application_credential", "user_id:%(user_id)s", "Create application credential.")
        .scopes(Scopes::PROJECT),
    Rule::new("identity:delete_application_credential", "rule:admin_or_owner", "Delete application credential.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new(
        "identity:get_access_rule",
        "(role:reader and system_scope:all) or user_id:%(target.user.id)s",
        "Show access rule.",
    )
    .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new(
        "identity:list_access_rules",
        "(role:reader and system_scope:all) or user_id:%(target.user.id)s",
        "List access rules.",
    )
    .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new(
        "identity:delete_access_rule",
        "(role:admin and system_scope:all) or user_id:%(target.user.id)s",
        "Delete access rule.",
    )
    .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_trust", "user_id:%(target.trust.trustor_user_id)s", "Create trust.")
        .scopes(Scopes::PROJECT),
    Rule::new("identity:list_trusts", ADMIN_OR_SYSTEM_READER, "List trusts.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new(
        "identity:list_trusts_for_trustor",
        "(rule:admin_required) or (role:reader and system_scope:all or user_id:%(target.trust.trustor_user_id)s)",
        "List trusts that a user gave.",
    )
    .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new(
        "identity:list_trusts_for_trustee",
        "(rule:admin_required) or (role:reader and system_scope:all or user_id:%(target.trust.trustee_user_id)s)",
        "List trusts that a user was given.",
    )
    .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_trust", READ_TRUST, "Show trust.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_roles_for_trust", READ_TRUST, "List roles for trust.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_role_for_trust", READ_TRUST, "Show role for trust.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new(
        "identity:delete_trust",
        "rule:admin_required or user_id:%(target.trust.trustor_user_id)s",
        "Delete trust.",
    )
    .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_identity_provider", ADMIN_OR_SYSTEM_READER, "Show identity provider.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_identity_providers", ADMIN_OR_SYSTEM_READER, "List identity providers.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_identity_provider", ADMIN, "Create identity provider.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_identity_provider", ADMIN, "Change identity provider.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_identity_provider", ADMIN, "Delete identity provider.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_protocol", ADMIN_OR_SYSTEM_READER, "Show protocol.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_protocols", ADMIN_OR_SYSTEM_READER, "List protocols.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_protocol", ADMIN, "Create protocol.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_protocol", ADMIN, "Change protocol.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_protocol", ADMIN, "Delete protocol.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_mapping", ADMIN_OR_SYSTEM_READER, "Show mapping.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_mappings", ADMIN_OR_SYSTEM_READER, "List mappings.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_mapping", ADMIN, "Create mapping.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_mapping", ADMIN, "Change mapping.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_mapping", ADMIN, "Delete mapping.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_service_provider", ADMIN_OR_SYSTEM_READER, "Show service provider.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_service_providers", ADMIN_OR_SYSTEM_READER, "List service providers.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_service_provider", ADMIN, "Create service provider.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_service_provider", ADMIN, "Change service provider.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_service_provider", ADMIN, "Delete service provider.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:get_consumer", ADMIN_OR_SYSTEM_READER, "Show consumer.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:list_consumers", ADMIN_OR_SYSTEM_READER, "List consumers.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:create_consumer", ADMIN, "Create consumer.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:update_consumer", ADMIN, "Change consumer.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:delete_consumer", ADMIN, "Delete consumer.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:authorize_request_token", ADMIN, "Authorize request token.").scopes(Scopes::PROJECT),
    Rule::new("identity:get_access_token", ADMIN, "Show access token.").scopes(Scopes::PROJECT),
    Rule::new("identity:get_access_token_role", ADMIN, "Show access token role.").scopes(Scopes::PROJECT),
    Rule::new("identity:list_access_tokens", ADMIN, "List access tokens.").scopes(Scopes::PROJECT),
    Rule::new("identity:list_access_token_roles", ADMIN, "List access token roles.").scopes(Scopes::PROJECT),
    Rule::new("identity:delete_access_token", ADMIN, "Delete access token.").scopes(Scopes::PROJECT),
    Rule::new("identity:get_credential", READ_CREDENTIAL, "Show credential."),
    Rule::new("identity:list_credentials", READ_CREDENTIAL, "List credentials."),
    Rule::new("identity:create_credential", CHANGE_CREDENTIAL, "Create credential."),
    Rule::new("identity:update_credential", CHANGE_CREDENTIAL, "Change credential."),
    Rule::new("identity:delete_credential", CHANGE_CREDENTIAL, "Delete credential."),
    Rule::new("identity:ec2_get_credential", READ_CREDENTIAL, "Show EC2 credential.").scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:ec2_list_credentials", ADMIN_OR_SYSTEM_READER_OR_OWNER, "List EC2 credentials.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:ec2_create_credential", CHANGE_EC2_CREDENTIAL, "Create EC2 credential.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:ec2_delete_credential", CHANGE_EC2_CREDENTIAL, "Delete EC2 credential.")
        .scopes(Scopes::SYSTEM_OR_PROJECT),
    Rule::new("identity:ec2tokens_validate", "rule:service_or_admin", "Get a token for an EC2 signature."),
    Rule::new("identity:s3tokens_validate", "rule:service_or_admin", "Get a token for an S3 signature."),
];
