-- Servers and what the compute API keeps beside them. Times are microseconds since the Unix epoch.

CREATE TABLE compute_flavors (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    description  TEXT,
    vcpus        INTEGER NOT NULL,
    ram_mb       INTEGER NOT NULL,
    disk_gb      INTEGER NOT NULL,
    ephemeral_gb INTEGER NOT NULL,
    swap_mb      INTEGER NOT NULL,
    rxtx_factor  REAL NOT NULL,
    is_public    INTEGER NOT NULL,
    extra_specs  TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE compute_flavor_access (
    flavor_id  TEXT NOT NULL REFERENCES compute_flavors (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL,
    PRIMARY KEY (flavor_id, project_id)
) STRICT;

CREATE TABLE compute_keypairs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     TEXT NOT NULL,
    name        TEXT NOT NULL,
    key_type    TEXT NOT NULL,
    public_key  TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (user_id, name)
) STRICT;

-- A server. Deleted ones stay, with `deleted_at`. Columns that nothing filters by hold JSON.
CREATE TABLE compute_instances (
    number            INTEGER PRIMARY KEY AUTOINCREMENT,
    id                TEXT NOT NULL UNIQUE,
    project_id        TEXT NOT NULL,
    user_id           TEXT NOT NULL,
    name              TEXT NOT NULL,
    description       TEXT,
    hostname          TEXT NOT NULL,
    request_id        TEXT NOT NULL,
    reservation_id    TEXT NOT NULL,
    launch_index      INTEGER NOT NULL,
    vm_state          TEXT NOT NULL,
    task_state        TEXT,
    power_state       INTEGER NOT NULL,
    host              TEXT,
    availability_zone TEXT,
    forced_host       TEXT,
    flavor_id         TEXT NOT NULL,
    vcpus             INTEGER NOT NULL,
    ram_mb            INTEGER NOT NULL,
    disk_gb           INTEGER NOT NULL,
    flavor            TEXT NOT NULL,
    image_id          TEXT,
    image_properties  TEXT NOT NULL,
    key_name          TEXT,
    key               TEXT,
    user_data         TEXT,
    config_drive      INTEGER NOT NULL,
    metadata          TEXT NOT NULL,
    networks          TEXT NOT NULL,
    security_groups   TEXT NOT NULL,
    network_info      TEXT NOT NULL,
    root_device_name  TEXT,
    disk_config       TEXT NOT NULL,
    access_ip_v4      TEXT,
    access_ip_v6      TEXT,
    locked_by         TEXT,
    locked_reason     TEXT,
    admin_password    TEXT,
    group_id          TEXT,
    hints             TEXT NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    launched_at       INTEGER,
    terminated_at     INTEGER,
    deleted_at        INTEGER
) STRICT;
-- Lists: a project's own, all projects', those that changed; newest first.
CREATE INDEX compute_instances_by_project ON compute_instances (project_id, deleted_at, created_at DESC, number DESC);
CREATE INDEX compute_instances_by_age ON compute_instances (deleted_at, created_at DESC, number DESC);
CREATE INDEX compute_instances_by_change ON compute_instances (updated_at);
CREATE INDEX compute_instances_by_host ON compute_instances (host) WHERE deleted_at IS NULL;
CREATE INDEX compute_instances_by_reservation ON compute_instances (reservation_id);
CREATE INDEX compute_instances_by_task ON compute_instances (task_state) WHERE deleted_at IS NULL AND task_state IS NOT NULL;

CREATE TABLE compute_tags (
    instance_id TEXT NOT NULL REFERENCES compute_instances (id) ON DELETE CASCADE,
    tag         TEXT NOT NULL,
    PRIMARY KEY (instance_id, tag)
) STRICT;

-- A server's disks: Nova's block device mappings.
CREATE TABLE compute_block_devices (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid                  TEXT NOT NULL UNIQUE,
    instance_id           TEXT NOT NULL REFERENCES compute_instances (id) ON DELETE CASCADE,
    source                TEXT NOT NULL,
    destination           TEXT NOT NULL,
    image_id              TEXT,
    snapshot_id           TEXT,
    volume_id             TEXT,
    size_gb               INTEGER,
    volume_type           TEXT,
    delete_on_termination INTEGER NOT NULL,
    boot_index            INTEGER,
    device_name           TEXT,
    disk_bus              TEXT,
    device_type           TEXT,
    guest_format          TEXT,
    tag                   TEXT,
    attachment_id         TEXT,
    connection            TEXT,
    UNIQUE (instance_id, device_name)
) STRICT;
CREATE INDEX compute_block_devices_by_instance ON compute_block_devices (instance_id, id);
CREATE INDEX compute_block_devices_by_volume ON compute_block_devices (volume_id);

-- What was asked of a server, one row a request.
CREATE TABLE compute_actions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL REFERENCES compute_instances (id) ON DELETE CASCADE,
    request_id  TEXT NOT NULL,
    action      TEXT NOT NULL,
    user_id     TEXT,
    project_id  TEXT,
    message     TEXT,
    started_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX compute_actions_by_instance ON compute_actions (instance_id, id DESC);
CREATE INDEX compute_actions_by_request ON compute_actions (instance_id, request_id);

CREATE TABLE compute_action_events (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    action_id   INTEGER NOT NULL REFERENCES compute_actions (id) ON DELETE CASCADE,
    event       TEXT NOT NULL,
    host        TEXT,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    result      TEXT,
    details     TEXT
) STRICT;
CREATE INDEX compute_action_events_by_action ON compute_action_events (action_id, id);

-- A server's latest fault.
CREATE TABLE compute_faults (
    instance_id TEXT PRIMARY KEY REFERENCES compute_instances (id) ON DELETE CASCADE,
    code        INTEGER NOT NULL,
    message     TEXT NOT NULL,
    details     TEXT,
    created_at  INTEGER NOT NULL
) STRICT;

-- The hops of a request that concern a server, as JSON of kit's Span.
CREATE TABLE compute_spans (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL REFERENCES compute_instances (id) ON DELETE CASCADE,
    request_id  TEXT NOT NULL,
    span        TEXT NOT NULL
) STRICT;
CREATE INDEX compute_spans_by_instance ON compute_spans (instance_id, request_id, id);

-- Limits that differ from the defaults; project `` holds changed defaults.
CREATE TABLE compute_quotas (
    project_id TEXT NOT NULL,
    resource   TEXT NOT NULL,
    hard_limit INTEGER NOT NULL,
    PRIMARY KEY (project_id, resource)
) STRICT;

CREATE TABLE compute_server_groups (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    project_id TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    policy     TEXT NOT NULL,
    rules      TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX compute_server_groups_by_project ON compute_server_groups (project_id, number);

CREATE TABLE compute_server_group_members (
    group_id    TEXT NOT NULL REFERENCES compute_server_groups (id) ON DELETE CASCADE,
    instance_id TEXT NOT NULL REFERENCES compute_instances (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, instance_id)
) STRICT;
CREATE INDEX compute_server_group_members_by_instance ON compute_server_group_members (instance_id);

-- Console tokens that are still good. The token itself is not kept, only its digest.
CREATE TABLE compute_console_tokens (
    digest      TEXT PRIMARY KEY,
    instance_id TEXT NOT NULL REFERENCES compute_instances (id) ON DELETE CASCADE,
    expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX compute_console_tokens_by_expiry ON compute_console_tokens (expires_at);

-- Hosts and services as the API shows and switches them; `inventory` is JSON of the bus's HostInventory.
CREATE TABLE compute_hosts (
    number           INTEGER PRIMARY KEY AUTOINCREMENT,
    host             TEXT NOT NULL UNIQUE,
    uuid             TEXT NOT NULL UNIQUE,
    service_uuid     TEXT NOT NULL UNIQUE,
    inventory        TEXT NOT NULL,
    disabled         INTEGER NOT NULL DEFAULT 0,
    disabled_reason  TEXT,
    forced_down      INTEGER NOT NULL DEFAULT 0,
    failed_builds    INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL
) STRICT;
