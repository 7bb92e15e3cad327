//! The JSON home document: what Keystone calls each path's relation.
//!
//! The names and the extensions that they are of are Keystone's, for all of its paths; the document lists those that
//! are served.

use serde_json::{Map, Value, json};

/// Each path of Keystone, and its relation's name.
const RELATIONS: &[(&str, &str)] = &[
    ("/OS-EP-FILTER/endpoint_groups", "endpoint_groups"),
    ("/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}", "endpoint_group"),
    ("/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/endpoints", "endpoints_in_endpoint_group"),
    ("/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects", "projects_associated_with_endpoint_group"),
    (
        "/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects/{project_id}",
        "endpoint_group_to_project_association",
    ),
    ("/OS-EP-FILTER/endpoints/{endpoint_id}/projects", "endpoint_projects"),
    ("/OS-EP-FILTER/projects/{project_id}/endpoint_groups", "project_endpoint_groups"),
    ("/OS-EP-FILTER/projects/{project_id}/endpoints", "project_endpoints"),
    ("/OS-EP-FILTER/projects/{project_id}/endpoints/{endpoint_id}", "project_endpoint"),
    ("/OS-FEDERATION/domains", "domains"),
    ("/OS-FEDERATION/identity_providers", "identity_providers"),
    ("/OS-FEDERATION/identity_providers/{idp_id}", "identity_provider"),
    ("/OS-FEDERATION/identity_providers/{idp_id}/protocols", "identity_provider_protocols"),
    ("/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}", "identity_provider_protocol"),
    ("/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/auth", "identity_provider_protocol_auth"),
    ("/OS-FEDERATION/mappings", "mappings"),
    ("/OS-FEDERATION/mappings/{mapping_id}", "mapping"),
    ("/OS-FEDERATION/projects", "projects"),
    ("/OS-FEDERATION/saml2/metadata", "metadata"),
    ("/OS-FEDERATION/service_providers", "service_providers"),
    ("/OS-FEDERATION/service_providers/{service_provider_id}", "service_provider"),
    (
        "/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/inherited_to_projects",
        "domain_group_roles_inherited_to_projects",
    ),
    (
        "/OS-INHERIT/domains/{domain_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects",
        "domain_group_role_inherited_to_projects",
    ),
    (
        "/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/inherited_to_projects",
        "domain_user_roles_inherited_to_projects",
    ),
    (
        "/OS-INHERIT/domains/{domain_id}/users/{user_id}/roles/{role_id}/inherited_to_projects",
        "domain_user_role_inherited_to_projects",
    ),
    (
        "/OS-INHERIT/projects/{project_id}/groups/{group_id}/roles/{role_id}/inherited_to_projects",
        "project_group_role_inherited_to_projects",
    ),
    (
        "/OS-INHERIT/projects/{project_id}/users/{user_id}/roles/{role_id}/inherited_to_projects",
        "project_user_role_inherited_to_projects",
    ),
    ("/OS-OAUTH1/access_token", "access_tokens"),
    ("/OS-OAUTH1/authorize/{request_token_id}", "authorize_request_token"),
    ("/OS-OAUTH1/consumers", "consumers"),
    ("/OS-OAUTH1/consumers/{consumer_id}", "consumer"),
    ("/OS-OAUTH1/request_token", "request_tokens"),
    ("/OS-OAUTH2/token", "token"),
    ("/OS-REVOKE/events", "events"),
    ("/OS-SIMPLE-CERT/ca", "ca_certificate"),
    ("/OS-SIMPLE-CERT/certificates", "certificates"),
    ("/OS-TRUST/trusts", "trusts"),
    ("/OS-TRUST/trusts/{trust_id}", "trust"),
    ("/OS-TRUST/trusts/{trust_id}/roles", "trust_roles"),
    ("/OS-TRUST/trusts/{trust_id}/roles/{role_id}", "trust_role"),
    ("/auth/OS-FEDERATION/identity_providers/{idp_id}/protocols/{protocol_id}/websso", "identity_providers_websso"),
    ("/auth/OS-FEDERATION/saml2", "saml2"),
    ("/auth/OS-FEDERATION/saml2/ecp", "ecp"),
    ("/auth/OS-FEDERATION/websso/{protocol_id}", "websso"),
    ("/auth/catalog", "auth_catalog"),
    ("/auth/domains", "auth_domains"),
    ("/auth/projects", "auth_projects"),
    ("/auth/system", "auth_system"),
    ("/auth/tokens", "auth_tokens"),
    ("/auth/tokens/OS-PKI/revoked", "revocations"),
    ("/credentials", "credentials"),
    ("/credentials/{credential_id}", "credential"),
    ("/domains", "domains"),
    ("/domains/config/default", "domain_config_default"),
    ("/domains/config/{group}/default", "domain_config_default_group"),
    ("/domains/config/{group}/{option}/default", "domain_config_default_option"),
    ("/domains/{domain_id}", "domain"),
    ("/domains/{domain_id}/config", "domain_config"),
    ("/domains/{domain_id}/config/{group}", "domain_config_group"),
    ("/domains/{domain_id}/config/{group}/{option}", "domain_config_option"),
    ("/domains/{domain_id}/groups/{group_id}/roles", "domain_group_roles"),
    ("/domains/{domain_id}/groups/{group_id}/roles/{role_id}", "domain_group_role"),
    ("/domains/{domain_id}/users/{user_id}/roles", "domain_user_roles"),
    ("/domains/{domain_id}/users/{user_id}/roles/{role_id}", "domain_user_role"),
    ("/ec2tokens", "ec2tokens"),
    ("/endpoints", "endpoints"),
    ("/endpoints/{endpoint_id}", "endpoint"),
    ("/endpoints/{endpoint_id}/OS-ENDPOINT-POLICY/policy", "endpoint_policy"),
    ("/groups", "groups"),
    ("/groups/{group_id}", "group"),
    ("/groups/{group_id}/users", "group_users"),
    ("/groups/{group_id}/users/{user_id}", "group_user"),
    ("/limits", "limits"),
    ("/limits/model", "limit_model"),
    ("/limits/{limit_id}", "limit"),
    ("/policies", "policies"),
    ("/policies/{policy_id}", "policy"),
    ("/policies/{policy_id}/OS-ENDPOINT-POLICY/endpoints", "policy_endpoints"),
    ("/policies/{policy_id}/OS-ENDPOINT-POLICY/endpoints/{endpoint_id}", "endpoint_policy_association"),
    ("/policies/{policy_id}/OS-ENDPOINT-POLICY/services/{service_id}", "service_policy_association"),
    (
        "/policies/{policy_id}/OS-ENDPOINT-POLICY/services/{service_id}/regions/{region_id}",
        "region_and_service_policy_association",
    ),
    ("/projects", "projects"),
    ("/projects/{project_id}", "project"),
    ("/projects/{project_id}/groups/{group_id}/roles", "project_group_roles"),
    ("/projects/{project_id}/groups/{group_id}/roles/{role_id}", "project_group_role"),
    ("/projects/{project_id}/tags", "project_tags"),
    ("/projects/{project_id}/tags/{value}", "project_tags"),
    ("/projects/{project_id}/users/{user_id}/roles", "project_user_roles"),
    ("/projects/{project_id}/users/{user_id}/roles/{role_id}", "project_user_role"),
    ("/regions", "regions"),
    ("/regions/{region_id}", "region"),
    ("/registered_limits", "registered_limits"),
    ("/registered_limits/{registered_limit_id}", "registered_limit"),
    ("/role_assignments", "role_assignments"),
    ("/role_inferences", "role_inferences"),
    ("/roles", "roles"),
    ("/roles/{prior_role_id}/implies", "implied_roles"),
    ("/roles/{prior_role_id}/implies/{implied_role_id}", "implied_role"),
    ("/roles/{role_id}", "role"),
    ("/s3tokens", "s3tokens"),
    ("/services", "services"),
    ("/services/{service_id}", "service"),
    ("/system/groups/{group_id}/roles", "system_group_roles"),
    ("/system/groups/{group_id}/roles/{role_id}", "system_group_role"),
    ("/system/users/{user_id}/roles", "system_user_roles"),
    ("/system/users/{user_id}/roles/{role_id}", "system_user_role"),
    ("/users", "users"),
    ("/users/{user_id}", "user"),
    ("/users/{user_id}/OS-OAUTH1/access_tokens", "user_access_tokens"),
    ("/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}", "user_access_token"),
    ("/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}/roles", "user_access_token_roles"),
    ("/users/{user_id}/OS-OAUTH1/access_tokens/{access_token_id}/roles/{role_id}", "user_access_token_role"),
    ("/users/{user_id}/access_rules", "access_rules"),
    ("/users/{user_id}/access_rules/{access_rule_id}", "access_rule"),
    ("/users/{user_id}/application_credentials", "application_credentials"),
    ("/users/{user_id}/application_credentials/{application_credential_id}", "application_credential"),
    ("/users/{user_id}/credentials/OS-EC2", "user_credentials"),
    ("/users/{user_id}/credentials/OS-EC2/{credential_id}", "user_credential"),
    ("/users/{user_id}/groups", "user_groups"),
    ("/users/{user_id}/password", "user_change_password"),
    ("/users/{user_id}/projects", "user_projects"),
];

/// Parameters that an extension brought.
const OF_EXTENSIONS: &[(&str, &str)] = &[
    ("endpoint_group_id", "OS-EP-FILTER"),
    ("trust_id", "OS-TRUST"),
    ("idp_id", "OS-FEDERATION"),
    ("protocol_id", "OS-FEDERATION"),
    ("service_provider_id", "OS-FEDERATION"),
    ("mapping_id", "OS-FEDERATION"),
    ("access_token_id", "OS-OAUTH1"),
    ("request_token_id", "OS-OAUTH1"),
    ("consumer_id", "OS-OAUTH1"),
];

/// Parameters whose relation has another name than they.
const RENAMED: &[(&str, &str)] = &[
    ("value", "tag_value"),
    ("prior_role_id", "role_id"),
    ("implied_role_id", "role_id"),
    ("group", "config_group"),
    ("option", "config_option"),
];

/// The paths that Keystone calls experimental begin with one of these.
const EXPERIMENTAL: [&str; 2] = ["/limits", "/registered_limits"];

const BASE: &str = "https://docs.openstack.org/api/openstack-identity/3";

/// The document of `paths`, with `prefix` before each.
pub(crate) fn describe(prefix: &str, paths: &[&'static str]) -> Value {
    let served = |path: &str| paths.iter().any(|other| form(other).eq(form(path)));
    let relations = RELATIONS.iter().filter(|(path, _)| served(path));
    let resources: Map<String, Value> =
        relations.map(|(path, name)| (relation(path, name), resource(prefix, path))).collect();
    json!({ "resources": resources })
}

/// The segments of `path`, whatever its parameters are called.
fn form(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment })
}

fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// The extension that brought `path`.
fn extension(path: &str) -> Option<&str> {
    match path {
        "/ec2tokens" => Some("OS-EC2"),
        "/s3tokens" => Some("s3tokens"),
        _ => path.split('/').find(|segment| segment.starts_with("OS-")),
    }
}

fn relation(path: &str, name: &str) -> String {
    match extension(path) {
        Some(extension) => format!("{BASE}/ext/{extension}/1.0/rel/{name}"),
        None => format!("{BASE}/rel/{name}"),
    }
}

fn parameter(name: &str) -> String {
    let found = |table: &'static [(&str, &str)]| table.iter().find(|(known, _)| *known == name).map(|(_, of)| *of);
    match found(OF_EXTENSIONS) {
        Some(extension) => format!("{BASE}/ext/{extension}/1.0/param/{name}"),
        None => format!("{BASE}/param/{}", found(RENAMED).unwrap_or(name)),
    }
}

fn resource(prefix: &str, path: &str) -> Value {
    let href = format!("{prefix}{path}");
    let variables: Map<String, Value> =
        parameters(path).map(|name| (name.to_owned(), Value::from(parameter(name)))).collect();
    let mut resource = match variables.is_empty() {
        true => json!({ "href": href }),
        false => json!({ "href-template": href, "href-vars": variables }),
    };
    if EXPERIMENTAL.iter().any(|start| path.starts_with(start)) {
        crate::view::put(&mut resource, "hints", json!({ "status": "experimental" }));
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_relation() {
        let rows = crate::api::TABLES.iter().flat_map(|table| table.iter());
        let missing: Vec<&str> = rows
            .map(|row| row.path)
            .filter(|path| !RELATIONS.iter().any(|(known, _)| form(known).eq(form(path))))
            .collect();
        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn resources_are_described_as_keystone_does() {
        let paths =
            ["/users", "/roles/{role}/implies/{other}", "/OS-TRUST/trusts/{trust_id}", "/limits/model", "/nope"];
        insta::assert_json_snapshot!(describe("/v3", &paths));
    }
}
