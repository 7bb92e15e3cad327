//! Nothing grows for ever: each table has a decision about what holds it, and a new table must get one.

use std::collections::{BTreeMap, BTreeSet};

use cloudbox::appliance;
use kit::config::Config;
use store::{Connection, Store, query};

/// What keeps a table from growing for ever.
#[derive(Debug, Clone, Copy)]
enum Held {
    /// Its rows are what somebody made and can delete, or what an operator sets: as many as there are.
    Things,
    /// A row goes with the row of that table that it belongs to.
    With(&'static str),
    /// There are as many as hosts, services or settings, whatever is done.
    Fixed,
    /// A row goes when what it stands for is done, has expired or is replaced; how is said beside it.
    Gone,
    /// A row is forgotten when it is older than that setting says.
    Forgotten(&'static str),
}

use Held::{Fixed, Forgotten, Gone, Things, With};

/// The decisions.
const DECISIONS: &[(&str, Held)] = &[
    ("admin_audit", Forgotten("audit.keep_rows")),
    ("compute_action_events", With("compute_actions")),
    ("compute_actions", Forgotten("retention.server_actions_days")),
    ("compute_allocations", Gone), // with the server's deletion, by a trigger
    ("compute_block_devices", With("compute_instances")),
    ("compute_console_tokens", With("compute_instances")),
    ("compute_failed_attempts", With("compute_instances")),
    ("compute_faults", With("compute_instances")),
    ("compute_flavor_access", With("compute_flavors")),
    ("compute_flavors", Things),
    ("compute_guest_data", With("compute_instances")),
    ("compute_hosts", Fixed),
    ("compute_instances", Forgotten("retention.deleted_servers_days")),
    ("compute_inventories", With("compute_providers")),
    ("compute_journals", Gone), // at the end of the workflow
    ("compute_keypairs", Things),
    ("compute_providers", With("compute_hosts")),
    ("compute_quotas", Things),
    ("compute_server_group_members", With("compute_server_groups")),
    ("compute_server_groups", Things),
    ("compute_spans", Forgotten("retention.server_actions_days")),
    ("compute_tags", With("compute_instances")),
    ("identity_access_rules", Things),
    ("identity_application_credential_access_rules", With("identity_application_credentials")),
    ("identity_application_credential_roles", With("identity_application_credentials")),
    ("identity_application_credentials", Things),
    ("identity_assignments", Things),
    ("identity_consumers", Things),
    ("identity_credentials", Things),
    ("identity_domain_settings", Things),
    ("identity_endpoint_groups", Things),
    ("identity_endpoints", Things),
    ("identity_federated_memberships", With("identity_users")),
    ("identity_federated_users", With("identity_users")),
    ("identity_group_members", With("identity_groups")),
    ("identity_groups", Things),
    ("identity_implied_roles", With("identity_roles")),
    ("identity_limits", Things),
    ("identity_mappings", Things),
    ("identity_moments", Fixed),
    ("identity_oauth1_access_tokens", Forgotten("retention.expired_delegations_days")),
    ("identity_oauth1_request_tokens", Gone), // after their end, by the service's housekeeping
    ("identity_old_passwords", Gone),         // but for the newest, when the password is changed
    ("identity_policies", Things),
    ("identity_policy_associations", With("identity_policies")),
    ("identity_project_endpoint_groups", With("identity_endpoint_groups")),
    ("identity_project_endpoints", With("identity_endpoints")),
    ("identity_projects", Things),
    ("identity_protocols", With("identity_providers")),
    ("identity_provider_remote_ids", With("identity_providers")),
    ("identity_providers", Things),
    ("identity_regions", Things),
    ("identity_registered_limits", Things),
    ("identity_revoked_tokens", Gone), // once the token would have expired, by the service's housekeeping
    ("identity_roles", Things),
    ("identity_service_providers", Things),
    ("identity_services", Things),
    ("identity_trust_roles", With("identity_trusts")),
    ("identity_trusts", Forgotten("retention.expired_delegations_days")),
    ("identity_used_passcodes", With("identity_credentials")),
    ("identity_users", Things),
    ("image_cache", With("image_images")),
    ("image_images", Things),
    ("image_journals", Gone), // at the end of the workflow
    ("image_locations", With("image_images")),
    ("image_members", With("image_images")),
    ("image_metadef_associations", With("image_metadef_namespaces")),
    ("image_metadef_loaded", Fixed),
    ("image_metadef_namespaces", Things),
    ("image_metadef_objects", With("image_metadef_namespaces")),
    ("image_metadef_properties", With("image_metadef_namespaces")),
    ("image_metadef_resource_types", Things),
    ("image_metadef_tags", With("image_metadef_namespaces")),
    ("image_properties", With("image_images")),
    ("image_staged", With("image_images")),
    ("image_tags", With("image_images")),
    ("image_tasks", Forgotten("image.task_hours")),
    ("network_addresses", Gone), // with their ports
    ("network_agents", Fixed),
    ("network_floatingips", Things),
    ("network_free", With("network_subnets")),
    ("network_networks", Things),
    ("network_pools", With("network_subnets")),
    ("network_port_groups", With("network_ports")),
    ("network_ports", Things),
    ("network_quotas", Things),
    ("network_routers", Things),
    ("network_security_group_rules", Things),
    ("network_security_groups", Things),
    ("network_subnets", Things),
    ("schema_version", Fixed),
    ("volume_agents", Fixed),
    ("volume_attachments", With("volume_volumes")),
    ("volume_journals", Gone), // at the end of the workflow
    ("volume_quotas", Things),
    ("volume_types", Things),
    ("volume_volumes", Things),
];

fn column(db: &Connection, sql: &str) -> Vec<String> {
    query::all(db, sql, [], |row| row.get(0)).unwrap()
}

/// The tables whose row's deletion takes rows of `table` along.
fn owners(db: &Connection, table: &str) -> Vec<String> {
    column(db, &format!("SELECT \"table\" FROM pragma_foreign_key_list('{table}') WHERE on_delete = 'CASCADE'"))
}

#[test]
fn each_table_has_something_that_holds_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cloudbox.db");
    drop(Store::open(&path, &appliance::migrations(), store::Options::default()).unwrap());
    let decided: BTreeMap<&str, Held> = DECISIONS.iter().copied().collect();
    let settings = serde_json::to_value(Config::default()).unwrap();
    let handbook = std::fs::read_to_string("docs/operating.md").unwrap();
    let db = rusqlite::Connection::open(&path).unwrap();
    let tables = column(&db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    for table in &tables {
        let Some(held) = decided.get(table.as_str()) else {
            panic!("nothing holds the new table {table}: decide here, and tell operators in docs/operating.md");
        };
        match held {
            With(owner) => {
                let owners = owners(&db, table);
                assert!(owners.iter().any(|found| found == owner), "{table} does not go with {owner} but {owners:?}");
            }
            Forgotten(setting) => {
                let (section, key) = setting.split_once('.').unwrap();
                assert!(settings[section][key].as_u64() > Some(0), "{table}: {setting} is on from the start");
                assert!(handbook.contains(key), "{table}: docs/operating.md tells of {setting}");
            }
            Gone | Things | Fixed => {}
        }
    }
    let there: BTreeSet<&str> = tables.iter().map(String::as_str).collect();
    let stale: Vec<_> = decided.keys().filter(|table| !there.contains(*table)).collect();
    assert!(stale.is_empty(), "there are no such tables any more: {stale:?}");
    assert_eq!(decided.len(), DECISIONS.len(), "a table is decided on once");
}
