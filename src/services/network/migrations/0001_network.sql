-- Addresses are kept as 16 octets, big-endian (an IPv4 address in the last four), so that they sort as numbers.
-- Times are microseconds since the Unix epoch. Lists that nothing filters by are JSON.

CREATE TABLE network_networks (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL CHECK (admin_state_up IN (0, 1)),
    shared INTEGER NOT NULL CHECK (shared IN (0, 1)),
    external INTEGER NOT NULL CHECK (external IN (0, 1)),
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    mtu INTEGER NOT NULL,
    port_security_enabled INTEGER NOT NULL CHECK (port_security_enabled IN (0, 1)),
    dns_domain TEXT NOT NULL,
    network_type TEXT NOT NULL,
    physical_network TEXT,
    segmentation_id INTEGER,
    -- 1: the host itself holds the gateway addresses; external networks do so too, whatever this says.
    host_gateway INTEGER NOT NULL CHECK (host_gateway IN (0, 1)),
    tags TEXT NOT NULL DEFAULT '[]',
    revision_number INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX network_networks_by_project ON network_networks (project_id, id);
CREATE INDEX network_networks_by_name ON network_networks (name, id);
CREATE UNIQUE INDEX network_networks_by_segment ON network_networks (network_type, physical_network, segmentation_id)
    WHERE segmentation_id IS NOT NULL;

CREATE TABLE network_subnets (
    id TEXT PRIMARY KEY,
    network_id TEXT NOT NULL REFERENCES network_networks (id),
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    ip_version INTEGER NOT NULL CHECK (ip_version IN (4, 6)),
    cidr TEXT NOT NULL,
    gateway_ip TEXT,
    enable_dhcp INTEGER NOT NULL CHECK (enable_dhcp IN (0, 1)),
    ipv6_ra_mode TEXT,
    ipv6_address_mode TEXT,
    dns_nameservers TEXT NOT NULL,
    host_routes TEXT NOT NULL,
    service_types TEXT NOT NULL,
    -- Where the search for a free address begins: an address that was given back is not given out again at once.
    next_address BLOB NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    revision_number INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX network_subnets_by_network ON network_subnets (network_id, created_at, id);
CREATE INDEX network_subnets_by_project ON network_subnets (project_id, id);
CREATE INDEX network_subnets_by_name ON network_subnets (name, id);

CREATE TABLE network_pools (
    subnet_id TEXT NOT NULL REFERENCES network_subnets (id) ON DELETE CASCADE,
    first BLOB NOT NULL,
    last BLOB NOT NULL,
    PRIMARY KEY (subnet_id, first)
) STRICT, WITHOUT ROWID;

-- What of the pools is not allocated, as ranges that neither overlap nor touch.
CREATE TABLE network_free (
    subnet_id TEXT NOT NULL REFERENCES network_subnets (id) ON DELETE CASCADE,
    last BLOB NOT NULL,
    first BLOB NOT NULL,
    PRIMARY KEY (subnet_id, last)
) STRICT, WITHOUT ROWID;

CREATE TABLE network_ports (
    id TEXT PRIMARY KEY,
    network_id TEXT NOT NULL REFERENCES network_networks (id),
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    mac_address TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL CHECK (admin_state_up IN (0, 1)),
    status TEXT NOT NULL,
    device_id TEXT NOT NULL,
    device_owner TEXT NOT NULL,
    port_security_enabled INTEGER NOT NULL CHECK (port_security_enabled IN (0, 1)),
    binding_host TEXT NOT NULL,
    binding_vnic_type TEXT NOT NULL,
    binding_profile TEXT NOT NULL,
    -- What the agent made on the binding host; NULL until it is wired.
    device TEXT,
    bridge TEXT,
    hostname TEXT NOT NULL,
    -- The server that compute attached it to; device_id is what users say, and proves nothing.
    server_id TEXT,
    -- 1: made for its server, and deleted with it.
    made_for_server INTEGER NOT NULL CHECK (made_for_server IN (0, 1)),
    -- The place of the interface among its server's.
    device_index INTEGER NOT NULL,
    device_tag TEXT,
    allowed_address_pairs TEXT NOT NULL,
    extra_dhcp_opts TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    revision_number INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (network_id, mac_address)
) STRICT;
CREATE INDEX network_ports_by_project ON network_ports (project_id, id);
CREATE INDEX network_ports_by_device ON network_ports (device_id) WHERE device_id <> '';
CREATE INDEX network_ports_by_server ON network_ports (server_id) WHERE server_id IS NOT NULL;
CREATE INDEX network_ports_by_host ON network_ports (binding_host, network_id) WHERE binding_host <> '';
CREATE INDEX network_ports_by_name ON network_ports (name, id);
-- One DHCP port for each network on each host.
CREATE UNIQUE INDEX network_ports_dhcp ON network_ports (network_id, binding_host) WHERE device_owner = 'network:dhcp';

CREATE TABLE network_addresses (
    subnet_id TEXT NOT NULL REFERENCES network_subnets (id),
    address BLOB NOT NULL,
    ip_address TEXT NOT NULL,
    port_id TEXT NOT NULL REFERENCES network_ports (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (subnet_id, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX network_addresses_by_port ON network_addresses (port_id, position);
CREATE INDEX network_addresses_by_ip ON network_addresses (ip_address);

CREATE TABLE network_security_groups (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    stateful INTEGER NOT NULL CHECK (stateful IN (0, 1)),
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    tags TEXT NOT NULL DEFAULT '[]',
    revision_number INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX network_security_groups_by_project ON network_security_groups (project_id, name, id);
CREATE INDEX network_security_groups_by_name ON network_security_groups (name, id);
CREATE UNIQUE INDEX network_security_groups_default ON network_security_groups (project_id) WHERE is_default = 1;

CREATE TABLE network_security_group_rules (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    security_group_id TEXT NOT NULL REFERENCES network_security_groups (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('ingress', 'egress')),
    ethertype TEXT NOT NULL CHECK (ethertype IN ('IPv4', 'IPv6')),
    -- As the client named it; which number that is, the domain knows.
    protocol TEXT,
    port_range_min INTEGER,
    port_range_max INTEGER,
    remote_ip_prefix TEXT,
    remote_group_id TEXT REFERENCES network_security_groups (id) ON DELETE CASCADE,
    description TEXT,
    revision_number INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX network_rules_by_group ON network_security_group_rules (security_group_id, number);
CREATE INDEX network_rules_by_remote_group ON network_security_group_rules (remote_group_id) WHERE remote_group_id IS NOT NULL;
CREATE INDEX network_rules_by_project ON network_security_group_rules (project_id, id);

CREATE TABLE network_port_groups (
    port_id TEXT NOT NULL REFERENCES network_ports (id) ON DELETE CASCADE,
    security_group_id TEXT NOT NULL REFERENCES network_security_groups (id),
    PRIMARY KEY (port_id, security_group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX network_port_groups_by_group ON network_port_groups (security_group_id);

CREATE TABLE network_routers (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_state_up INTEGER NOT NULL CHECK (admin_state_up IN (0, 1)),
    -- The leg in the external network; its network and addresses are the port's.
    gateway_port_id TEXT REFERENCES network_ports (id),
    enable_snat INTEGER NOT NULL CHECK (enable_snat IN (0, 1)),
    routes TEXT NOT NULL,
    -- The host whose agent carries it; empty until there is one.
    host TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    revision_number INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX network_routers_by_project ON network_routers (project_id, id);
CREATE INDEX network_routers_by_name ON network_routers (name, id);
CREATE INDEX network_routers_by_host ON network_routers (host);
CREATE UNIQUE INDEX network_routers_by_gateway ON network_routers (gateway_port_id) WHERE gateway_port_id IS NOT NULL;

CREATE TABLE network_quotas (
    project_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (project_id, resource)
) STRICT, WITHOUT ROWID;

CREATE TABLE network_agents (
    host TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    admin_state_up INTEGER NOT NULL CHECK (admin_state_up IN (0, 1)),
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL,
    -- 1: something that the host should have been told may have been lost; the reconciler sends all of it again.
    stale INTEGER NOT NULL CHECK (stale IN (0, 1))
) STRICT;

CREATE TABLE network_floatingips (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    description TEXT NOT NULL,
    floating_network_id TEXT NOT NULL REFERENCES network_networks (id),
    floating_ip_address TEXT NOT NULL,
    -- The port in the external network that has the address.
    floating_port_id TEXT NOT NULL UNIQUE REFERENCES network_ports (id),
    -- Where it leads: all three or none.
    port_id TEXT REFERENCES network_ports (id),
    fixed_ip_address TEXT,
    router_id TEXT REFERENCES network_routers (id),
    tags TEXT NOT NULL DEFAULT '[]',
    revision_number INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX network_floatingips_by_project ON network_floatingips (project_id, id);
CREATE UNIQUE INDEX network_floatingips_by_port ON network_floatingips (port_id, fixed_ip_address, floating_network_id)
    WHERE port_id IS NOT NULL;
CREATE INDEX network_floatingips_by_router ON network_floatingips (router_id) WHERE router_id IS NOT NULL;
