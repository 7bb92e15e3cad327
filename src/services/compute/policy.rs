//! The policy rules of the compute API: OpenStack's names and defaults.

use http_kit::{Rule, Scopes};

const READER: &str = "rule:project_reader_or_admin";
const MEMBER: &str = "rule:project_member_or_admin";
const ADMIN: &str = "rule:context_is_admin";
const OWN_KEY: &str = "(rule:context_is_admin) or user_id:%(user_id)s";
const ANYONE: &str = "@";

/// Rules that handlers ask for by name.
pub mod name {
    /// See [`super::RULES`].
    pub const ALL_TENANTS: &str = "os_compute_api:servers:index:get_all_tenants";
    /// See [`super::RULES`].
    pub const ALL_TENANTS_DETAIL: &str = "os_compute_api:servers:detail:get_all_tenants";
    /// See [`super::RULES`].
    pub const ALL_FILTERS: &str = "os_compute_api:servers:allow_all_filters";
    /// See [`super::RULES`].
    pub const EXTRA_SPECS: &str = "os_compute_api:servers:show:flavor-extra-specs";
    /// See [`super::RULES`].
    pub const HOST_STATUS: &str = "os_compute_api:servers:show:host_status";
    /// See [`super::RULES`].
    pub const FORCED_HOST: &str = "os_compute_api:servers:create:forced_host";
    /// See [`super::RULES`].
    pub const REQUESTED_DESTINATION: &str = "compute:servers:create:requested_destination";
    /// See [`super::RULES`].
    pub const CREATE_WITH_VOLUME: &str = "os_compute_api:servers:create:attach_volume";
    /// See [`super::RULES`].
    pub const CREATE_WITH_NETWORK: &str = "os_compute_api:servers:create:attach_network";
    /// See [`super::RULES`].
    pub const ZERO_DISK: &str = "os_compute_api:servers:create:zero_disk_flavor";
    /// See [`super::RULES`].
    pub const EXTENDED_ATTRIBUTES: &str = "os_compute_api:os-extended-server-attributes";
    /// See [`super::RULES`].
    pub const IMAGE_OF_VOLUMES: &str = "os_compute_api:servers:create_image:allow_volume_backed";
    /// See [`super::RULES`].
    pub const UNLOCK_OVERRIDE: &str = "os_compute_api:os-lock-server:unlock:unlock_override";
    /// See [`super::RULES`].
    pub const ACTION_EVENTS: &str = "os_compute_api:os-instance-actions:events";
    /// See [`super::RULES`].
    pub const ACTION_EVENT_DETAILS: &str = "os_compute_api:os-instance-actions:events:details";
    /// See [`super::RULES`].
    pub const FLAVOR_EXTRA_SPECS: &str = "os_compute_api:os-flavor-extra-specs:index";
    /// See [`super::RULES`].
    pub const OTHER_PROJECT_LIMITS: &str = "os_compute_api:limits:other_project";
    /// See [`super::RULES`].
    pub const ALL_GROUPS: &str = "os_compute_api:os-server-groups:index:all_projects";
}

/// All rules.
pub static RULES: &[Rule] = &[
    Rule::new("os_compute_api:servers:index", READER, "List servers."),
    Rule::new("os_compute_api:servers:detail", READER, "List servers with details."),
    Rule::new(name::ALL_TENANTS, ADMIN, "List the servers of all projects."),
    Rule::new(name::ALL_TENANTS_DETAIL, ADMIN, "List the servers of all projects with details."),
    Rule::new(name::ALL_FILTERS, ADMIN, "Filter servers by anything."),
    Rule::new("os_compute_api:servers:show", READER, "Show a server."),
    Rule::new(name::EXTRA_SPECS, READER, "See the extra specs of servers' flavors."),
    Rule::new(name::HOST_STATUS, ADMIN, "See the status of servers' hosts."),
    Rule::new("os_compute_api:servers:show:host_status:unknown-only", ADMIN, "See that a server's host is unknown."),
    Rule::new("os_compute_api:servers:create", MEMBER, "Make a server."),
    Rule::new(name::FORCED_HOST, ADMIN, "Make a server on a certain host."),
    Rule::new(name::REQUESTED_DESTINATION, ADMIN, "Ask for a host to make a server on."),
    Rule::new(name::CREATE_WITH_VOLUME, MEMBER, "Make a server with volumes."),
    Rule::new(name::CREATE_WITH_NETWORK, MEMBER, "Make a server with networks."),
    Rule::new("os_compute_api:servers:create:trusted_certs", MEMBER, "Make a server with trusted certificates."),
    Rule::new(name::ZERO_DISK, ADMIN, "Make a server of a flavor without a disk from an image."),
    Rule::new("network:attach_external_network", ADMIN, "Attach an external network to a server."),
    Rule::new("os_compute_api:servers:delete", MEMBER, "Delete a server."),
    Rule::new("os_compute_api:servers:update", MEMBER, "Change a server's description."),
    Rule::new("os_compute_api:servers:reboot", MEMBER, "Reboot a server."),
    Rule::new("os_compute_api:servers:start", MEMBER, "Start a server."),
    Rule::new("os_compute_api:servers:stop", MEMBER, "Stop a server."),
    Rule::new("os_compute_api:servers:create_image", MEMBER, "Make an image of a server."),
    Rule::new(name::IMAGE_OF_VOLUMES, MEMBER, "Make an image of a server that boots from a volume."),
    Rule::new(name::EXTENDED_ATTRIBUTES, ADMIN, "See servers' hosts and other inner attributes."),
    Rule::new("os_compute_api:server-metadata:index", READER, "List a server's metadata."),
    Rule::new("os_compute_api:server-metadata:show", READER, "Show an item of a server's metadata."),
    Rule::new("os_compute_api:server-metadata:create", MEMBER, "Add to a server's metadata."),
    Rule::new("os_compute_api:server-metadata:update_all", MEMBER, "Replace a server's metadata."),
    Rule::new("os_compute_api:server-metadata:update", MEMBER, "Change an item of a server's metadata."),
    Rule::new("os_compute_api:server-metadata:delete", MEMBER, "Delete an item of a server's metadata."),
    Rule::new("os_compute_api:os-server-tags:index", READER, "List a server's tags."),
    Rule::new("os_compute_api:os-server-tags:show", READER, "Check a server's tag."),
    Rule::new("os_compute_api:os-server-tags:update", MEMBER, "Add a tag to a server."),
    Rule::new("os_compute_api:os-server-tags:update_all", MEMBER, "Replace a server's tags."),
    Rule::new("os_compute_api:os-server-tags:delete", MEMBER, "Delete a server's tag."),
    Rule::new("os_compute_api:os-server-tags:delete_all", MEMBER, "Delete all of a server's tags."),
    Rule::new("os_compute_api:ips:index", READER, "List a server's addresses."),
    Rule::new("os_compute_api:ips:show", READER, "List a server's addresses in one network."),
    Rule::new("os_compute_api:os-attach-interfaces:list", READER, "List a server's interfaces."),
    Rule::new("os_compute_api:os-attach-interfaces:show", READER, "Show a server's interface."),
    Rule::new("os_compute_api:os-security-groups:list", READER, "List a server's security groups."),
    Rule::new("os_compute_api:os-volumes-attachments:index", READER, "List a server's volumes."),
    Rule::new("os_compute_api:os-volumes-attachments:show", READER, "Show a server's volume."),
    Rule::new("os_compute_api:os-volumes-attachments:create", MEMBER, "Attach a volume to a server."),
    Rule::new("os_compute_api:os-volumes-attachments:update", MEMBER, "Change how a volume is attached."),
    Rule::new("os_compute_api:os-volumes-attachments:delete", MEMBER, "Detach a volume from a server."),
    Rule::new("os_compute_api:os-instance-actions:list", READER, "List what was asked of a server."),
    Rule::new(
        "os_compute_api:os-instance-actions:show",
        READER,
        "Show what was asked of a server, and its boot's trace.",
    ),
    Rule::new(name::ACTION_EVENTS, ADMIN, "See the events of what was asked of a server."),
    Rule::new(name::ACTION_EVENT_DETAILS, ADMIN, "See the details of failed events."),
    Rule::new("os_compute_api:os-lock-server:lock", MEMBER, "Lock a server."),
    Rule::new("os_compute_api:os-lock-server:unlock", MEMBER, "Unlock a server."),
    Rule::new(name::UNLOCK_OVERRIDE, ADMIN, "Unlock a server that an administrator has locked."),
    Rule::new("os_compute_api:os-console-output", MEMBER, "Read a server's console log."),
    Rule::new("os_compute_api:os-remote-consoles", MEMBER, "Open a server's console."),
    Rule::new("cloudbox:servers:tunnel", MEMBER, "Open a tunnel to a TCP port of a server."),
    Rule::new("os_compute_api:limits", ANYONE, "See one's limits."),
    Rule::new(name::OTHER_PROJECT_LIMITS, ADMIN, "See another project's limits."),
    Rule::new("os_compute_api:os-quota-sets:show", READER, "Show a project's quotas."),
    Rule::new("os_compute_api:os-quota-sets:detail", READER, "Show a project's quotas and usage."),
    Rule::new("os_compute_api:os-quota-sets:defaults", ANYONE, "Show the default quotas."),
    Rule::new("os_compute_api:os-quota-sets:update", ADMIN, "Change a project's quotas."),
    Rule::new("os_compute_api:os-quota-sets:delete", ADMIN, "Take a project's quotas back to the defaults."),
    Rule::new("os_compute_api:os-server-groups:index", READER, "List server groups."),
    Rule::new(name::ALL_GROUPS, ADMIN, "List the server groups of all projects."),
    Rule::new("os_compute_api:os-server-groups:show", READER, "Show a server group."),
    Rule::new("os_compute_api:os-server-groups:create", MEMBER, "Make a server group."),
    Rule::new("os_compute_api:os-server-groups:delete", MEMBER, "Delete a server group."),
    Rule::new("os_compute_api:os-keypairs:index", OWN_KEY, "List a user's keys."),
    Rule::new("os_compute_api:os-keypairs:show", OWN_KEY, "Show a user's key."),
    Rule::new("os_compute_api:os-keypairs:create", OWN_KEY, "Make or bring a key."),
    Rule::new("os_compute_api:os-keypairs:delete", OWN_KEY, "Delete a key."),
    Rule::new("os_compute_api:os-hypervisors:list", ADMIN, "List hypervisors."),
    Rule::new("os_compute_api:os-hypervisors:list-detail", ADMIN, "List hypervisors with details."),
    Rule::new("os_compute_api:os-hypervisors:statistics", ADMIN, "See the sums over all hypervisors."),
    Rule::new("os_compute_api:os-hypervisors:show", ADMIN, "Show a hypervisor."),
    Rule::new("os_compute_api:os-services:list", ADMIN, "List services."),
    Rule::new("os_compute_api:os-services:update", ADMIN, "Enable and disable services."),
    Rule::new("os_compute_api:os-availability-zone:list", ANYONE, "List availability zones."),
    Rule::new("os_compute_api:os-availability-zone:detail", ADMIN, "List availability zones with their hosts."),
    Rule::new("os_compute_api:extensions", ANYONE, "List extensions."),
    Rule::new("os_compute_api:flavors", ANYONE, "List and show flavors. Not one of Nova's rules: it asks for none.")
        .scopes(Scopes::ANY),
    Rule::new("os_compute_api:os-flavor-manage:create", ADMIN, "Make a flavor."),
    Rule::new("os_compute_api:os-flavor-manage:update", ADMIN, "Describe a flavor."),
    Rule::new("os_compute_api:os-flavor-manage:delete", ADMIN, "Delete a flavor."),
    Rule::new("os_compute_api:os-flavor-access", ADMIN, "See who may use a flavor."),
    Rule::new("os_compute_api:os-flavor-access:add_tenant_access", ADMIN, "Let a project use a flavor."),
    Rule::new("os_compute_api:os-flavor-access:remove_tenant_access", ADMIN, "Take a flavor from a project."),
    Rule::new(name::FLAVOR_EXTRA_SPECS, READER, "List a flavor's extra specs."),
    Rule::new("os_compute_api:os-flavor-extra-specs:show", READER, "Show an extra spec of a flavor."),
    Rule::new("os_compute_api:os-flavor-extra-specs:create", ADMIN, "Add extra specs to a flavor."),
    Rule::new("os_compute_api:os-flavor-extra-specs:update", ADMIN, "Change an extra spec of a flavor."),
    Rule::new("os_compute_api:os-flavor-extra-specs:delete", ADMIN, "Delete an extra spec of a flavor."),
];
