-- The database of a cloud that cloudbox 0.1.0 made, with an image, a volume, a key and a server: what an upgrade begins with.
PRAGMA application_id = 1129071192;
PRAGMA foreign_keys = OFF;
BEGIN TRANSACTION;
CREATE TABLE admin_audit (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    status INTEGER NOT NULL,
    service TEXT NOT NULL,
    service_name TEXT NOT NULL,
    initiator_id TEXT,
    initiator_name TEXT,
    project_id TEXT,
    project_name TEXT,
    domain_id TEXT,
    domain_name TEXT,
    address TEXT,
    agent TEXT,
    target_type TEXT NOT NULL,
    target_id TEXT,
    target_name TEXT,
    request_id TEXT NOT NULL,
    path TEXT NOT NULL
) STRICT;
INSERT INTO "admin_audit" VALUES(1,'01a2054a-6202-700b-8479-e65b451bb497',1795385090532199,'authenticate',201,'identity','keystone','ee0573fc1b084f87b5a73f9e9c37ec38','admin','4cb7548a66fc475dab1bbb486957efac','admin',NULL,NULL,'127.0.0.1',NULL,'service/identity/auth/tokens',NULL,NULL,'req-25994528-3cca-4260-a2e4-a2ec25d604c4','/identity/v3/auth/tokens');
INSERT INTO "admin_audit" VALUES(2,'01a2054a-625c-752c-b702-998a9a9d5ac0',1795385090564250,'create',201,'compute','nova','ee0573fc1b084f87b5a73f9e9c37ec38','admin','4cb7548a66fc475dab1bbb486957efac','admin',NULL,NULL,'127.0.0.1',NULL,'service/compute/os-keypairs',NULL,NULL,'req-68f4c350-c70b-4121-91dd-738fa2dcb3a4','/compute/v2.1/os-keypairs');
INSERT INTO "admin_audit" VALUES(3,'01a2054a-629e-76ca-bdea-1690511d711e',1795385090688210,'authenticate',201,'identity','keystone','ee0573fc1b084f87b5a73f9e9c37ec38','admin','4cb7548a66fc475dab1bbb486957efac','admin',NULL,NULL,'127.0.0.1',NULL,'service/identity/auth/tokens',NULL,NULL,'req-079c202e-9f28-424c-b0d9-aae3dc01cbdc','/identity/v3/auth/tokens');
INSERT INTO "admin_audit" VALUES(4,'01a2054a-62a4-743a-8190-909842509b2d',1795385090720098,'create',201,'image','glance','ee0573fc1b084f87b5a73f9e9c37ec38','admin','4cb7548a66fc475dab1bbb486957efac','admin',NULL,NULL,'127.0.0.1',NULL,'service/image/images','60db9199-72fa-4d6b-968b-6cf5457c89ee','old-image','req-84911a3d-21af-48cc-855b-404b77526e9f','/image/v2/images');
INSERT INTO "admin_audit" VALUES(5,'01a2054a-62c0-71f3-a6d7-6212efc9ba96',1795385090728502,'update',204,'image','glance','ee0573fc1b084f87b5a73f9e9c37ec38','admin','4cb7548a66fc475dab1bbb486957efac','admin',NULL,NULL,'127.0.0.1',NULL,'service/image/images/file','60db9199-72fa-4d6b-968b-6cf5457c89ee',NULL,'req-8b720c5e-ab83-48dd-bfa4-3af1b72b18b5','/image/v2/images/60db9199-72fa-4d6b-968b-6cf5457c89ee/file');
INSERT INTO "admin_audit" VALUES(6,'01a2054a-6303-7648-a915-0f9a89fb8d9b',1795385090788217,'authenticate',201,'identity','keystone','ee0573fc1b084f87b5a73f9e9c37ec38','admin','4cb7548a66fc475dab1bbb486957efac','admin',NULL,NULL,'127.0.0.1',NULL,'service/identity/auth/tokens',NULL,NULL,'req-a6c38a60-5ef1-487e-a4bd-4c696f16cd2f','/identity/v3/auth/tokens');
INSERT INTO "admin_audit" VALUES(7,'01a2054a-633b-71b1-8e83-97306de34577',1795385090846920,'authenticate',201,'identity','keystone','ee0573fc1b084f87b5a73f9e9c37ec38','admin','4cb7548a66fc475dab1bbb486957efac','admin',NULL,NULL,'127.0.0.1',NULL,'service/identity/auth/tokens',NULL,NULL,'req-506afee8-00f4-4c15-ad4f-3782eab875f1','/identity/v3/auth/tokens');
INSERT INTO "admin_audit" VALUES(8,'01a2054a-634c-745c-bede-eb04b3ef2268',1795385090876783,'create',202,'block-storage','cinder','ee0573fc1b084f87b5a73f9e9c37ec38','admin','4cb7548a66fc475dab1bbb486957efac','admin',NULL,NULL,'127.0.0.1',NULL,'service/block-storage/volumes','3d297ff1-e02c-424c-b1a4-9276c2486250','old-volume','req-b4b4d89a-d647-4a69-8c3a-3c15f4235a0b','/volume/v3/volumes');
INSERT INTO "admin_audit" VALUES(9,'01a2054a-6453-7173-82ff-0f146aa873d9',1795385091126207,'authenticate',201,'identity','keystone','ee0573fc1b084f87b5a73f9e9c37ec38','admin','4cb7548a66fc475dab1bbb486957efac','admin',NULL,NULL,'127.0.0.1',NULL,'service/identity/auth/tokens',NULL,NULL,'req-65142d13-082b-4b8f-af23-4f8ec4e3e51a','/identity/v3/auth/tokens');
INSERT INTO "admin_audit" VALUES(10,'01a2054a-64aa-7649-9f2a-b33cb0c0998d',1795385091197046,'authenticate',201,'identity','keystone','ee0573fc1b084f87b5a73f9e9c37ec38','admin','4cb7548a66fc475dab1bbb486957efac','admin',NULL,NULL,'127.0.0.1',NULL,'service/identity/auth/tokens',NULL,NULL,'req-14b3dbd8-9327-4a59-ad37-e57020d471a3','/identity/v3/auth/tokens');
INSERT INTO "admin_audit" VALUES(11,'01a2054a-64c2-7049-b243-311fdd0df08f',1795385091249997,'create',202,'compute','nova','ee0573fc1b084f87b5a73f9e9c37ec38','admin','4cb7548a66fc475dab1bbb486957efac','admin',NULL,NULL,'127.0.0.1',NULL,'service/compute/servers','4e4dc9f4-012e-4060-9e9a-6cac225aea81',NULL,'req-16a71bd7-8c5e-4ea6-b4da-78e9590d0e9c','/compute/v2.1/servers');
INSERT INTO "admin_audit" VALUES(12,'01a2054a-65d3-7007-ad23-986872ecdd19',1795385091510653,'authenticate',201,'identity','keystone','ee0573fc1b084f87b5a73f9e9c37ec38','admin','4cb7548a66fc475dab1bbb486957efac','admin',NULL,NULL,'127.0.0.1',NULL,'service/identity/auth/tokens',NULL,NULL,'req-f3865b11-dc28-4492-874f-78f6e835ea14','/identity/v3/auth/tokens');
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
INSERT INTO "compute_action_events" VALUES(1,1,'compute__do_build_and_run_instance','host-1',1795385091264292,1795385091305392,'Success',NULL);
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
INSERT INTO "compute_actions" VALUES(1,'4e4dc9f4-012e-4060-9e9a-6cac225aea81','req-16a71bd7-8c5e-4ea6-b4da-78e9590d0e9c','create','ee0573fc1b084f87b5a73f9e9c37ec38','4cb7548a66fc475dab1bbb486957efac',NULL,1795385091254632,1795385091305392);
CREATE TABLE compute_allocations (
    consumer       TEXT NOT NULL,
    provider       TEXT NOT NULL,
    resource_class TEXT NOT NULL,
    used           INTEGER NOT NULL CHECK (used > 0),
    PRIMARY KEY (consumer, provider, resource_class),
    FOREIGN KEY (provider, resource_class) REFERENCES compute_inventories (provider, resource_class)
) STRICT;
INSERT INTO "compute_allocations" VALUES('4e4dc9f4-012e-4060-9e9a-6cac225aea81','2a68d83c-e09a-46a4-a149-f1bac0d027b0','VCPU',1);
INSERT INTO "compute_allocations" VALUES('4e4dc9f4-012e-4060-9e9a-6cac225aea81','2a68d83c-e09a-46a4-a149-f1bac0d027b0','MEMORY_MB',512);
INSERT INTO "compute_allocations" VALUES('4e4dc9f4-012e-4060-9e9a-6cac225aea81','2a68d83c-e09a-46a4-a149-f1bac0d027b0','DISK_GB',1);
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
INSERT INTO "compute_block_devices" VALUES(1,'62f90d1b-59a2-4e05-9521-86aadd2152df','4e4dc9f4-012e-4060-9e9a-6cac225aea81','image','local','60db9199-72fa-4d6b-968b-6cf5457c89ee',NULL,NULL,NULL,NULL,1,0,'/dev/vda',NULL,'disk',NULL,NULL,NULL,NULL);
CREATE TABLE compute_console_tokens (
    digest      TEXT PRIMARY KEY,
    instance_id TEXT NOT NULL REFERENCES compute_instances (id) ON DELETE CASCADE,
    expires_at  INTEGER NOT NULL
) STRICT;
CREATE TABLE compute_failed_attempts (
    instance_id TEXT NOT NULL REFERENCES compute_instances (id) ON DELETE CASCADE,
    host        TEXT NOT NULL,
    PRIMARY KEY (instance_id, host)
) STRICT;
CREATE TABLE compute_faults (
    instance_id TEXT PRIMARY KEY REFERENCES compute_instances (id) ON DELETE CASCADE,
    code        INTEGER NOT NULL,
    message     TEXT NOT NULL,
    details     TEXT,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE TABLE compute_flavor_access (
    flavor_id  TEXT NOT NULL REFERENCES compute_flavors (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL,
    PRIMARY KEY (flavor_id, project_id)
) STRICT;
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
INSERT INTO "compute_flavors" VALUES('1','m1.nano',NULL,1,192,1,0,0,1.0,1,'{}',1795385090051551);
INSERT INTO "compute_flavors" VALUES('2','m1.tiny',NULL,1,512,1,0,0,1.0,1,'{}',1795385090051551);
INSERT INTO "compute_flavors" VALUES('3','m1.small',NULL,1,2048,20,0,0,1.0,1,'{}',1795385090051551);
INSERT INTO "compute_flavors" VALUES('4','m1.medium',NULL,2,4096,40,0,0,1.0,1,'{}',1795385090051551);
CREATE TABLE compute_guest_data (
    instance_id TEXT PRIMARY KEY REFERENCES compute_instances (id) ON DELETE CASCADE,
    seed        BLOB NOT NULL,
    password    TEXT
) STRICT;
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
INSERT INTO "compute_hosts" VALUES(1,'host-1','2a68d83c-e09a-46a4-a149-f1bac0d027b0','bcac395d-3273-471f-aa53-70e6f3249f1b','{"hypervisor_type":"fake","hypervisor_version":1000,"virt_type":"fake","hypervisor_hostname":"host-1","host_ip":"192.0.2.2","cpu_info":"{\"arch\":\"x86_64\",\"model\":\"fake\",\"vendor\":\"fake\",\"topology\":{\"cells\":1,\"sockets\":1,\"cores\":4096,\"threads\":1},\"features\":[]}","vcpus":4096,"memory_mb":8388608,"disk_gb":251,"disk_free_gb":55,"memory_used_mb":512,"running_vms":0}',0,NULL,0,0,1795385090299292,1795385090299292);
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
INSERT INTO "compute_instances" VALUES(1,'4e4dc9f4-012e-4060-9e9a-6cac225aea81','4cb7548a66fc475dab1bbb486957efac','ee0573fc1b084f87b5a73f9e9c37ec38','old-server',NULL,'old-server','req-16a71bd7-8c5e-4ea6-b4da-78e9590d0e9c','r-hq2suqrg',0,'active',NULL,1,'host-1',NULL,NULL,'2',1,512,1,'{"id":"2","name":"m1.tiny","vcpus":1,"ram_mb":512,"disk_gb":1,"ephemeral_gb":0,"swap_mb":0,"extra_specs":{}}','60db9199-72fa-4d6b-968b-6cf5457c89ee','{}','old-key','{"name":"old-key","key_type":"ssh","public_key":"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDw7SIn6/wVnmL3x3Qsu614pNZ96LkrnLzn7AFYG8s8j2r87NF6iWpgPGoa6urgDQdUKaDX2NAyd3OtgXb5F+ruAMM/V/LT0vU6y9MoOl/gLCAn4xG0/FyoHUtwziCENwU2RV5Rz4rxIwznxBi8f35Lm3Gcr4jveRB2NgEnydjRIDgYTdeNWdO0bB6/ugCecwfiMRm66MW38ujD3L0dBYgkUK3mKAxA1pOtetC3IYu4APAYbFIL18wx1sx5AYDqCVsj8dUTS9fBLMww5wwIoOvB+cpx1jDPPrqYMtDVqr3W/e21YjW2B/fX3KGW9mFzESeDJZXouIrlLT4LUu7eNABj Generated-by-Nova"}',NULL,0,'{}','[{"network_id":"9078f1e9-493b-4998-9fb8-39eb181e2a78","port_id":null,"fixed_ip":null,"tag":null}]','[{"id":"218f6fad-d88f-483f-bb04-ede4e8dac9b9","name":"default"}]','[{"port_id":"27dc3014-f69e-4e3b-9c11-517f07502fc8","network_id":"9078f1e9-493b-4998-9fb8-39eb181e2a78","label":"default","mac":"fa:16:3e:a2:9c:91","mtu":1500,"fixed_ips":[{"subnet_id":"69fed336-6233-4ea7-8e07-6f2cf6c3affc","address":"10.20.0.2","cidr":"10.20.0.0/24","gateway":"10.20.0.1","dns":[],"routes":[],"dhcp":true,"floating":[]}],"preserve_on_delete":false,"device":"cbtp27dc3014f6","tag":null}]','/dev/vda','MANUAL',NULL,NULL,NULL,NULL,NULL,NULL,'{}',1795385091254603,1795385091299283,1795385091299236,NULL,NULL);
CREATE TABLE compute_inventories (
    provider         TEXT NOT NULL REFERENCES compute_providers (uuid) ON DELETE CASCADE,
    resource_class   TEXT NOT NULL,
    total            INTEGER NOT NULL,
    reserved         INTEGER NOT NULL,
    allocation_ratio REAL NOT NULL,
    used             INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, resource_class)
) STRICT;
INSERT INTO "compute_inventories" VALUES('2a68d83c-e09a-46a4-a149-f1bac0d027b0','VCPU',4096,0,4.0,1);
INSERT INTO "compute_inventories" VALUES('2a68d83c-e09a-46a4-a149-f1bac0d027b0','MEMORY_MB',8388608,512,1.0,512);
INSERT INTO "compute_inventories" VALUES('2a68d83c-e09a-46a4-a149-f1bac0d027b0','DISK_GB',251,0,1.0,1);
CREATE TABLE compute_journals (
    id      TEXT PRIMARY KEY,
    host    TEXT NOT NULL,
    kind    TEXT NOT NULL,
    subject TEXT NOT NULL,
    body    TEXT NOT NULL
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
INSERT INTO "compute_keypairs" VALUES(1,'ee0573fc1b084f87b5a73f9e9c37ec38','old-key','ssh','ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDw7SIn6/wVnmL3x3Qsu614pNZ96LkrnLzn7AFYG8s8j2r87NF6iWpgPGoa6urgDQdUKaDX2NAyd3OtgXb5F+ruAMM/V/LT0vU6y9MoOl/gLCAn4xG0/FyoHUtwziCENwU2RV5Rz4rxIwznxBi8f35Lm3Gcr4jveRB2NgEnydjRIDgYTdeNWdO0bB6/ugCecwfiMRm66MW38ujD3L0dBYgkUK3mKAxA1pOtetC3IYu4APAYbFIL18wx1sx5AYDqCVsj8dUTS9fBLMww5wwIoOvB+cpx1jDPPrqYMtDVqr3W/e21YjW2B/fX3KGW9mFzESeDJZXouIrlLT4LUu7eNABj Generated-by-Nova','22:44:d1:df:02:44:f5:70:b9:c0:19:1a:ae:61:3b:30',1795385090644243);
CREATE TABLE compute_providers (
    uuid       TEXT PRIMARY KEY REFERENCES compute_hosts (uuid) ON DELETE CASCADE,
    generation INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "compute_providers" VALUES('2a68d83c-e09a-46a4-a149-f1bac0d027b0',4);
CREATE TABLE compute_quotas (
    project_id TEXT NOT NULL,
    resource   TEXT NOT NULL,
    hard_limit INTEGER NOT NULL,
    PRIMARY KEY (project_id, resource)
) STRICT;
CREATE TABLE compute_server_group_members (
    group_id    TEXT NOT NULL REFERENCES compute_server_groups (id) ON DELETE CASCADE,
    instance_id TEXT NOT NULL REFERENCES compute_instances (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, instance_id)
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
CREATE TABLE compute_spans (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL REFERENCES compute_instances (id) ON DELETE CASCADE,
    request_id  TEXT NOT NULL,
    span        TEXT NOT NULL
) STRICT;
INSERT INTO "compute_spans" VALUES(1,'4e4dc9f4-012e-4060-9e9a-6cac225aea81','req-16a71bd7-8c5e-4ea6-b4da-78e9590d0e9c','{"from":"compute-api","to":"identity","name":"ValidateToken","kind":"call","started_at":"2026-11-22T22:04:51.250039379Z","micros":66,"queued_micros":18,"served_micros":27,"error":null}');
INSERT INTO "compute_spans" VALUES(2,'4e4dc9f4-012e-4060-9e9a-6cac225aea81','req-16a71bd7-8c5e-4ea6-b4da-78e9590d0e9c','{"from":"compute-api","to":"image","name":"GetImage","kind":"call","started_at":"2026-11-22T22:04:51.251124236Z","micros":296,"queued_micros":39,"served_micros":229,"error":null}');
INSERT INTO "compute_spans" VALUES(3,'4e4dc9f4-012e-4060-9e9a-6cac225aea81','req-16a71bd7-8c5e-4ea6-b4da-78e9590d0e9c','{"from":"image","to":"identity","name":"ValidateToken","kind":"call","started_at":"2026-11-22T22:04:51.251190325Z","micros":41,"queued_micros":10,"served_micros":18,"error":null}');
CREATE TABLE compute_tags (
    instance_id TEXT NOT NULL REFERENCES compute_instances (id) ON DELETE CASCADE,
    tag         TEXT NOT NULL,
    PRIMARY KEY (instance_id, tag)
) STRICT;
CREATE TABLE identity_access_rules (
    id      TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    method  TEXT NOT NULL,
    path    TEXT NOT NULL,
    UNIQUE (user_id, service, method, path)
) STRICT;
CREATE TABLE identity_application_credential_access_rules (
    application_credential_id TEXT NOT NULL REFERENCES identity_application_credentials (id) ON DELETE CASCADE,
    access_rule_id            TEXT NOT NULL REFERENCES identity_access_rules (id),
    PRIMARY KEY (application_credential_id, access_rule_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_application_credential_roles (
    application_credential_id TEXT NOT NULL REFERENCES identity_application_credentials (id) ON DELETE CASCADE,
    role_id                   TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    PRIMARY KEY (application_credential_id, role_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_application_credentials (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    project_id   TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    secret_hash  TEXT NOT NULL,
    description  TEXT,
    expires_at   INTEGER,
    unrestricted INTEGER NOT NULL CHECK (unrestricted IN (0, 1)),
    UNIQUE (user_id, name)
) STRICT;
CREATE TABLE identity_assignments (
    user_id     TEXT REFERENCES identity_users (id) ON DELETE CASCADE,
    group_id    TEXT REFERENCES identity_groups (id) ON DELETE CASCADE,
    role_id     TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    target_kind TEXT NOT NULL CHECK (target_kind IN ('project', 'domain', 'system')),
    target_id   TEXT REFERENCES identity_projects (id) ON DELETE CASCADE,
    inherited   INTEGER NOT NULL CHECK (inherited IN (0, 1)),
    CHECK ((user_id IS NULL) <> (group_id IS NULL)),
    CHECK ((target_kind = 'system') = (target_id IS NULL)),
    CHECK (inherited = 0 OR target_id IS NOT NULL)
) STRICT;
INSERT INTO "identity_assignments" VALUES('ee0573fc1b084f87b5a73f9e9c37ec38',NULL,'7956806b3b924328a35c5a4be947dec0','project','4cb7548a66fc475dab1bbb486957efac',0);
INSERT INTO "identity_assignments" VALUES('ee0573fc1b084f87b5a73f9e9c37ec38',NULL,'7956806b3b924328a35c5a4be947dec0','system',NULL,0);
CREATE TABLE identity_consumers (
    id          TEXT PRIMARY KEY,
    description TEXT,
    extra       TEXT NOT NULL
) STRICT;
CREATE TABLE identity_credentials (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    project_id TEXT REFERENCES identity_projects (id) ON DELETE CASCADE,
    type       TEXT NOT NULL,
    blob       BLOB NOT NULL,
    key_id     INTEGER NOT NULL,
    extra      TEXT NOT NULL
) STRICT;
CREATE TABLE identity_domain_settings (
    domain_id   TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    group_name  TEXT NOT NULL,
    option_name TEXT NOT NULL,
    value       TEXT,
    PRIMARY KEY (domain_id, group_name, option_name)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_endpoint_groups (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    description TEXT,
    filters     TEXT NOT NULL
) STRICT;
CREATE TABLE identity_endpoints (
    id           TEXT PRIMARY KEY,
    service_id   TEXT NOT NULL REFERENCES identity_services (id) ON DELETE CASCADE,
    interface    TEXT NOT NULL CHECK (interface IN ('admin', 'internal', 'public')),
    region_id    TEXT REFERENCES identity_regions (id),
    url          TEXT NOT NULL,
    enabled      INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    managed_path TEXT,
    extra        TEXT NOT NULL
) STRICT;
INSERT INTO "identity_endpoints" VALUES('66ef1035ac514e7e88b4a1432c186c39','eb87094f681b4462b6b7bb0f957820f8','public','RegionOne','http://127.0.0.1:42479/identity/v3',1,'/identity/v3','{}');
INSERT INTO "identity_endpoints" VALUES('b0e73a045dd340829a20bfe0814fdef6','eb87094f681b4462b6b7bb0f957820f8','internal','RegionOne','http://127.0.0.1:42479/identity/v3',1,'/identity/v3','{}');
INSERT INTO "identity_endpoints" VALUES('4c842fe1a4f54d9cb0e9e796e0117697','eb87094f681b4462b6b7bb0f957820f8','admin','RegionOne','http://127.0.0.1:42479/identity/v3',1,'/identity/v3','{}');
INSERT INTO "identity_endpoints" VALUES('1212f2c20bc64849ad8adb5fbec2df0b','7504176d6ec947f39b9a1ffd837b5191','public','RegionOne','http://127.0.0.1:42479/compute/v2.1',1,'/compute/v2.1','{}');
INSERT INTO "identity_endpoints" VALUES('299d1bce04984e88a7aec83fcf469414','7504176d6ec947f39b9a1ffd837b5191','internal','RegionOne','http://127.0.0.1:42479/compute/v2.1',1,'/compute/v2.1','{}');
INSERT INTO "identity_endpoints" VALUES('4535ba1797cc45518829373be355330a','7504176d6ec947f39b9a1ffd837b5191','admin','RegionOne','http://127.0.0.1:42479/compute/v2.1',1,'/compute/v2.1','{}');
INSERT INTO "identity_endpoints" VALUES('d056cc47d62e40c3bd84bf15d7a211bb','873886d79ffb4952ba90c05d83da6acf','public','RegionOne','http://127.0.0.1:42479/placement',1,'/placement','{}');
INSERT INTO "identity_endpoints" VALUES('88b3ee99a72742c090bbbbbef75ee606','873886d79ffb4952ba90c05d83da6acf','internal','RegionOne','http://127.0.0.1:42479/placement',1,'/placement','{}');
INSERT INTO "identity_endpoints" VALUES('093014f6b1b743bd95a23a258d6732c9','873886d79ffb4952ba90c05d83da6acf','admin','RegionOne','http://127.0.0.1:42479/placement',1,'/placement','{}');
INSERT INTO "identity_endpoints" VALUES('f0707a6bba6c4b5dae45a628b67672f4','1052a424094141d6bfef99fcf5a22b95','public','RegionOne','http://127.0.0.1:42479/image',1,'/image','{}');
INSERT INTO "identity_endpoints" VALUES('711655d112c44f1f852b2227e6d64b6a','1052a424094141d6bfef99fcf5a22b95','internal','RegionOne','http://127.0.0.1:42479/image',1,'/image','{}');
INSERT INTO "identity_endpoints" VALUES('3556aa44452c4560a04757dd005ffcad','1052a424094141d6bfef99fcf5a22b95','admin','RegionOne','http://127.0.0.1:42479/image',1,'/image','{}');
INSERT INTO "identity_endpoints" VALUES('48df1b811c6f469fa1d2fcc89bc27acd','bf7beb15f1ee423cb5c7a863d97b794b','public','RegionOne','http://127.0.0.1:42479/network',1,'/network','{}');
INSERT INTO "identity_endpoints" VALUES('cc02a34a72254e22979b6ba9892b3755','bf7beb15f1ee423cb5c7a863d97b794b','internal','RegionOne','http://127.0.0.1:42479/network',1,'/network','{}');
INSERT INTO "identity_endpoints" VALUES('6f19b3d3ce2f4f69b7f23c2e33d4b7ac','bf7beb15f1ee423cb5c7a863d97b794b','admin','RegionOne','http://127.0.0.1:42479/network',1,'/network','{}');
INSERT INTO "identity_endpoints" VALUES('d83d8668a76c4aa991d885a830de28dd','e9483e310067448199feb01028a58e51','public','RegionOne','http://127.0.0.1:42479/volume/v3',1,'/volume/v3','{}');
INSERT INTO "identity_endpoints" VALUES('5b57e6c05edc4676a0ab291d90c4b169','e9483e310067448199feb01028a58e51','internal','RegionOne','http://127.0.0.1:42479/volume/v3',1,'/volume/v3','{}');
INSERT INTO "identity_endpoints" VALUES('13b4a2a4341547ffa3381cc1516dab46','e9483e310067448199feb01028a58e51','admin','RegionOne','http://127.0.0.1:42479/volume/v3',1,'/volume/v3','{}');
CREATE TABLE identity_federated_memberships (
    user_id     TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    group_id    TEXT NOT NULL,
    idp_id      TEXT NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    verified_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, idp_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_federated_users (
    idp_id       TEXT NOT NULL,
    protocol_id  TEXT NOT NULL,
    unique_id    TEXT NOT NULL,
    user_id      TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    display_name TEXT,
    shadow       INTEGER NOT NULL CHECK (shadow IN (0, 1)),
    PRIMARY KEY (idp_id, protocol_id, unique_id),
    FOREIGN KEY (idp_id, protocol_id) REFERENCES identity_protocols (idp_id, id) ON DELETE CASCADE
) STRICT;
CREATE TABLE identity_group_members (
    group_id TEXT NOT NULL REFERENCES identity_groups (id) ON DELETE CASCADE,
    user_id  TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_groups (
    id          TEXT PRIMARY KEY,
    domain_id   TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    description TEXT,
    extra       TEXT NOT NULL,
    UNIQUE (domain_id, name)
) STRICT;
CREATE TABLE identity_implied_roles (
    prior_role_id   TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    implied_role_id TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    PRIMARY KEY (prior_role_id, implied_role_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "identity_implied_roles" VALUES('01f27a380fa84906b20c8d9941b07a67','542e1017b8e643c1a993019e2d5be433');
INSERT INTO "identity_implied_roles" VALUES('542e1017b8e643c1a993019e2d5be433','c7e92a9d98da452ca86e2b824127a8e8');
INSERT INTO "identity_implied_roles" VALUES('7956806b3b924328a35c5a4be947dec0','01f27a380fa84906b20c8d9941b07a67');
CREATE TABLE identity_limits (
    id                  TEXT PRIMARY KEY,
    registered_limit_id TEXT NOT NULL REFERENCES identity_registered_limits (id) ON DELETE CASCADE,
    project_id          TEXT REFERENCES identity_projects (id) ON DELETE CASCADE,
    domain_id           TEXT REFERENCES identity_projects (id) ON DELETE CASCADE,
    resource_limit      INTEGER NOT NULL,
    description         TEXT,
    CHECK ((project_id IS NULL) <> (domain_id IS NULL))
) STRICT;
CREATE TABLE identity_mappings (
    id             TEXT PRIMARY KEY,
    schema_version TEXT NOT NULL,
    rules          TEXT NOT NULL
) STRICT;
CREATE TABLE identity_moments (
    latest INTEGER NOT NULL
) STRICT;
INSERT INTO "identity_moments" VALUES(1795385091511051);
CREATE TABLE identity_oauth1_access_tokens (
    id          TEXT PRIMARY KEY,
    consumer_id TEXT NOT NULL REFERENCES identity_consumers (id) ON DELETE CASCADE,
    project_id  TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    user_id     TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    role_ids    TEXT NOT NULL,
    expires_at  INTEGER
) STRICT;
CREATE TABLE identity_oauth1_request_tokens (
    id          TEXT PRIMARY KEY,
    consumer_id TEXT NOT NULL REFERENCES identity_consumers (id) ON DELETE CASCADE,
    project_id  TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    verifier    TEXT,
    user_id     TEXT REFERENCES identity_users (id) ON DELETE CASCADE,
    role_ids    TEXT NOT NULL,
    expires_at  INTEGER,
    CHECK ((verifier IS NULL) = (user_id IS NULL))
) STRICT;
CREATE TABLE identity_old_passwords (
    id      INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    hash    TEXT NOT NULL
) STRICT;
CREATE TABLE identity_policies (
    id    TEXT PRIMARY KEY,
    type  TEXT NOT NULL,
    blob  TEXT NOT NULL,
    extra TEXT NOT NULL
) STRICT;
CREATE TABLE identity_policy_associations (
    policy_id   TEXT NOT NULL REFERENCES identity_policies (id) ON DELETE CASCADE,
    endpoint_id TEXT REFERENCES identity_endpoints (id) ON DELETE CASCADE,
    service_id  TEXT REFERENCES identity_services (id) ON DELETE CASCADE,
    region_id   TEXT REFERENCES identity_regions (id) ON DELETE CASCADE,
    CHECK ((endpoint_id IS NULL) = (service_id IS NOT NULL)),
    CHECK (region_id IS NULL OR service_id IS NOT NULL)
) STRICT;
CREATE TABLE identity_project_endpoint_groups (
    project_id        TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    endpoint_group_id TEXT NOT NULL REFERENCES identity_endpoint_groups (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, endpoint_group_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_project_endpoints (
    project_id  TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    endpoint_id TEXT NOT NULL REFERENCES identity_endpoints (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, endpoint_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_projects (
    id                 TEXT PRIMARY KEY,
    name               TEXT NOT NULL,
    domain_id          TEXT REFERENCES identity_projects (id),
    parent_id          TEXT REFERENCES identity_projects (id),
    is_domain          INTEGER NOT NULL CHECK (is_domain IN (0, 1)),
    description        TEXT,
    enabled            INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    tags               TEXT NOT NULL,
    options            TEXT NOT NULL,
    extra              TEXT NOT NULL,
    tokens_valid_since INTEGER NOT NULL,
    CHECK ((is_domain = 1) = (domain_id IS NULL))
) STRICT;
INSERT INTO "identity_projects" VALUES('default','Default',NULL,NULL,1,'The default domain',1,'[]','{}','{}',1795385090026373);
INSERT INTO "identity_projects" VALUES('4cb7548a66fc475dab1bbb486957efac','admin','default','default',0,'Bootstrap project for initializing the cloud.',1,'[]','{}','{}',1795385090026373);
INSERT INTO "identity_projects" VALUES('6fbbd58de3944e0c81a6c84a6e4b3329','service','default','default',0,'Project of the cloud''s own services.',1,'[]','{}','{}',1795385090026373);
CREATE TABLE identity_protocols (
    idp_id              TEXT NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    id                  TEXT NOT NULL,
    mapping_id          TEXT NOT NULL,
    remote_id_attribute TEXT,
    PRIMARY KEY (idp_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_provider_remote_ids (
    remote_id TEXT PRIMARY KEY,
    idp_id    TEXT NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE
) STRICT;
CREATE TABLE identity_providers (
    id                TEXT PRIMARY KEY,
    domain_id         TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    enabled           INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    description       TEXT,
    authorization_ttl INTEGER
) STRICT;
CREATE TABLE identity_regions (
    id               TEXT PRIMARY KEY,
    description      TEXT NOT NULL,
    parent_region_id TEXT REFERENCES identity_regions (id),
    extra            TEXT NOT NULL
) STRICT;
INSERT INTO "identity_regions" VALUES('RegionOne','',NULL,'{}');
CREATE TABLE identity_registered_limits (
    id            TEXT PRIMARY KEY,
    service_id    TEXT NOT NULL REFERENCES identity_services (id) ON DELETE CASCADE,
    region_id     TEXT REFERENCES identity_regions (id) ON DELETE CASCADE,
    resource_name TEXT NOT NULL,
    default_limit INTEGER NOT NULL,
    description   TEXT
) STRICT;
CREATE TABLE identity_revoked_tokens (
    audit_id   TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
, revoked_at INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE identity_roles (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    domain_id   TEXT REFERENCES identity_projects (id) ON DELETE CASCADE,
    description TEXT,
    options     TEXT NOT NULL,
    extra       TEXT NOT NULL
) STRICT;
INSERT INTO "identity_roles" VALUES('c7e92a9d98da452ca86e2b824127a8e8','reader',NULL,NULL,'{"immutable":true}','{}');
INSERT INTO "identity_roles" VALUES('542e1017b8e643c1a993019e2d5be433','member',NULL,NULL,'{"immutable":true}','{}');
INSERT INTO "identity_roles" VALUES('01f27a380fa84906b20c8d9941b07a67','manager',NULL,NULL,'{"immutable":true}','{}');
INSERT INTO "identity_roles" VALUES('7956806b3b924328a35c5a4be947dec0','admin',NULL,NULL,'{"immutable":true}','{}');
INSERT INTO "identity_roles" VALUES('a9d021ec5a354a9cb5524a907cc2a9dd','service',NULL,NULL,'{"immutable":true}','{}');
CREATE TABLE identity_service_providers (
    id                 TEXT PRIMARY KEY,
    enabled            INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    description        TEXT,
    auth_url           TEXT NOT NULL,
    sp_url             TEXT NOT NULL,
    relay_state_prefix TEXT NOT NULL
) STRICT;
CREATE TABLE identity_services (
    id      TEXT PRIMARY KEY,
    type    TEXT NOT NULL,
    name    TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    extra   TEXT NOT NULL
) STRICT;
INSERT INTO "identity_services" VALUES('eb87094f681b4462b6b7bb0f957820f8','identity','keystone',1,'{}');
INSERT INTO "identity_services" VALUES('7504176d6ec947f39b9a1ffd837b5191','compute','nova',1,'{}');
INSERT INTO "identity_services" VALUES('873886d79ffb4952ba90c05d83da6acf','placement','placement',1,'{}');
INSERT INTO "identity_services" VALUES('1052a424094141d6bfef99fcf5a22b95','image','glance',1,'{}');
INSERT INTO "identity_services" VALUES('bf7beb15f1ee423cb5c7a863d97b794b','network','neutron',1,'{}');
INSERT INTO "identity_services" VALUES('e9483e310067448199feb01028a58e51','block-storage','cinder',1,'{}');
CREATE TABLE identity_trust_roles (
    trust_id TEXT NOT NULL REFERENCES identity_trusts (id) ON DELETE CASCADE,
    role_id  TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    PRIMARY KEY (trust_id, role_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_trusts (
    id                   TEXT PRIMARY KEY,
    trustor_user_id      TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    trustee_user_id      TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    project_id           TEXT REFERENCES identity_projects (id) ON DELETE CASCADE,
    impersonation        INTEGER NOT NULL CHECK (impersonation IN (0, 1)),
    expires_at           INTEGER,
    remaining_uses       INTEGER CHECK (remaining_uses >= 0),
    redelegation_count   INTEGER NOT NULL CHECK (redelegation_count >= 0),
    redelegated_trust_id TEXT REFERENCES identity_trusts (id) ON DELETE CASCADE,
    extra                TEXT NOT NULL
) STRICT;
CREATE TABLE identity_used_passcodes (
    credential_id TEXT PRIMARY KEY REFERENCES identity_credentials (id) ON DELETE CASCADE,
    step          INTEGER NOT NULL
) STRICT;
CREATE TABLE identity_users (
    id                 TEXT PRIMARY KEY,
    domain_id          TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    name               TEXT NOT NULL,
    enabled            INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    default_project_id TEXT,
    password_hash      TEXT,
    options            TEXT NOT NULL,
    extra              TEXT NOT NULL,
    tokens_valid_since INTEGER NOT NULL, created_at INTEGER NOT NULL DEFAULT 0, last_active_at INTEGER, password_created_at INTEGER, password_expires_at INTEGER, password_self_service INTEGER NOT NULL DEFAULT 0
    CHECK (password_self_service IN (0, 1)), failed_logins INTEGER NOT NULL DEFAULT 0, last_failed_login_at INTEGER,
    UNIQUE (domain_id, name)
) STRICT;
INSERT INTO "identity_users" VALUES('ee0573fc1b084f87b5a73f9e9c37ec38','default','admin',1,NULL,'$argon2id$v=19$m=19456,t=2,p=1$7wcR+pzhRou1eSvUpXEmdw$Xb0VKnBdy2TWtFDEogvhKtaqiIMRgW/MIPkyh71XVsE','{}','{}',1795385090026373,1795385090026373,1795305600000000,1795385090026389,NULL,1,0,NULL);
CREATE TABLE image_images (
    id               TEXT PRIMARY KEY,
    name             TEXT,
    owner            TEXT,
    status           TEXT NOT NULL,
    visibility       TEXT NOT NULL,
    protected        INTEGER NOT NULL,
    os_hidden        INTEGER NOT NULL,
    disk_format      TEXT,
    container_format TEXT,
    min_disk         INTEGER NOT NULL,
    min_ram          INTEGER NOT NULL,
    size             INTEGER,
    virtual_size     INTEGER,
    checksum         TEXT,
    os_hash_value    TEXT,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL
) STRICT;
INSERT INTO "image_images" VALUES('60db9199-72fa-4d6b-968b-6cf5457c89ee','old-image','4cb7548a66fc475dab1bbb486957efac','active','shared',0,0,'raw','bare',0,0,1048576,1048576,'b6d81b360a5672d80c27430f39153e2c','d6292685b380e338e025b3415a90fe8f9d39a46e7bdba8cb78c50a338cefca741f69e4e46411c32de1afdedfb268e579a51f81ff85e56f55b0ee7c33fe8c25c9',1795385090720393,1795385090743639);
CREATE TABLE image_properties (
    image_id TEXT NOT NULL REFERENCES image_images (id) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    value    TEXT NOT NULL,
    PRIMARY KEY (image_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE image_tags (
    image_id TEXT NOT NULL REFERENCES image_images (id) ON DELETE CASCADE,
    tag      TEXT NOT NULL,
    PRIMARY KEY (image_id, tag)
) STRICT, WITHOUT ROWID;
CREATE TABLE network_addresses (
    subnet_id TEXT NOT NULL REFERENCES network_subnets (id),
    address BLOB NOT NULL,
    ip_address TEXT NOT NULL,
    port_id TEXT NOT NULL REFERENCES network_ports (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (subnet_id, address)
) STRICT, WITHOUT ROWID;
INSERT INTO "network_addresses" VALUES('69fed336-6233-4ea7-8e07-6f2cf6c3affc',X'0000000000000000000000000A140002','10.20.0.2','27dc3014-f69e-4e3b-9c11-517f07502fc8',0);
INSERT INTO "network_addresses" VALUES('69fed336-6233-4ea7-8e07-6f2cf6c3affc',X'0000000000000000000000000A140003','10.20.0.3','f7232f14-c7b2-4807-81ee-6d3b0b1cfd65',0);
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
INSERT INTO "network_agents" VALUES('host-1','06df02b6-9cdc-4d00-a461-4043fc60d254',1,'',1795385090295368,1795385090295368,1795385090295368,0);
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
CREATE TABLE network_free (
    subnet_id TEXT NOT NULL REFERENCES network_subnets (id) ON DELETE CASCADE,
    last BLOB NOT NULL,
    first BLOB NOT NULL,
    PRIMARY KEY (subnet_id, last)
) STRICT, WITHOUT ROWID;
INSERT INTO "network_free" VALUES('69fed336-6233-4ea7-8e07-6f2cf6c3affc',X'0000000000000000000000000A1400FE',X'0000000000000000000000000A140004');
INSERT INTO "network_free" VALUES('6d6cad68-f929-4003-8718-f6114f61aada',X'000000000000000000000000AC1804FE',X'000000000000000000000000AC180402');
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
INSERT INTO "network_networks" VALUES('9078f1e9-493b-4998-9fb8-39eb181e2a78','4cb7548a66fc475dab1bbb486957efac','default','',1,1,0,0,1500,1,'','local',NULL,NULL,1,'[]',2,1795385090045331,1795385090045331);
INSERT INTO "network_networks" VALUES('79da240b-f038-4dd7-8209-b01396fa5f0a','4cb7548a66fc475dab1bbb486957efac','public','',1,0,1,1,1500,1,'','local',NULL,NULL,1,'[]',2,1795385090045331,1795385090045331);
CREATE TABLE network_pools (
    subnet_id TEXT NOT NULL REFERENCES network_subnets (id) ON DELETE CASCADE,
    first BLOB NOT NULL,
    last BLOB NOT NULL,
    PRIMARY KEY (subnet_id, first)
) STRICT, WITHOUT ROWID;
INSERT INTO "network_pools" VALUES('69fed336-6233-4ea7-8e07-6f2cf6c3affc',X'0000000000000000000000000A140002',X'0000000000000000000000000A1400FE');
INSERT INTO "network_pools" VALUES('6d6cad68-f929-4003-8718-f6114f61aada',X'000000000000000000000000AC180402',X'000000000000000000000000AC1804FE');
CREATE TABLE network_port_groups (
    port_id TEXT NOT NULL REFERENCES network_ports (id) ON DELETE CASCADE,
    security_group_id TEXT NOT NULL REFERENCES network_security_groups (id),
    PRIMARY KEY (port_id, security_group_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "network_port_groups" VALUES('27dc3014-f69e-4e3b-9c11-517f07502fc8','218f6fad-d88f-483f-bb04-ede4e8dac9b9');
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
INSERT INTO "network_ports" VALUES('27dc3014-f69e-4e3b-9c11-517f07502fc8','9078f1e9-493b-4998-9fb8-39eb181e2a78','4cb7548a66fc475dab1bbb486957efac','','','fa:16:3e:a2:9c:91',1,'ACTIVE','4e4dc9f4-012e-4060-9e9a-6cac225aea81','compute:nova',1,'host-1','normal','{}','cbtp27dc3014f6','cbbr9078f1e949','old-server','4e4dc9f4-012e-4060-9e9a-6cac225aea81',1,0,NULL,'[]','[]','[]',3,1795385091283686,1795385091292129);
INSERT INTO "network_ports" VALUES('f7232f14-c7b2-4807-81ee-6d3b0b1cfd65','9078f1e9-493b-4998-9fb8-39eb181e2a78','4cb7548a66fc475dab1bbb486957efac','','','fa:16:3e:86:45:e5',1,'ACTIVE','dhcp-host-1-9078f1e9-493b-4998-9fb8-39eb181e2a78','network:dhcp',0,'host-1','normal','{}',NULL,NULL,'',NULL,0,0,NULL,'[]','[]','[]',1,1795385091288405,1795385091288405);
CREATE TABLE network_quotas (
    project_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (project_id, resource)
) STRICT, WITHOUT ROWID;
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
INSERT INTO "network_security_group_rules" VALUES(1,'be76c3a2-8765-4bbd-a21b-9953fd6d2388','218f6fad-d88f-483f-bb04-ede4e8dac9b9','4cb7548a66fc475dab1bbb486957efac','ingress','IPv4',NULL,NULL,NULL,NULL,'218f6fad-d88f-483f-bb04-ede4e8dac9b9',NULL,0,1795385090045331,1795385090045331);
INSERT INTO "network_security_group_rules" VALUES(2,'af5fb379-b245-4d89-824b-59d1f9d40b11','218f6fad-d88f-483f-bb04-ede4e8dac9b9','4cb7548a66fc475dab1bbb486957efac','ingress','IPv6',NULL,NULL,NULL,NULL,'218f6fad-d88f-483f-bb04-ede4e8dac9b9',NULL,0,1795385090045331,1795385090045331);
INSERT INTO "network_security_group_rules" VALUES(3,'6db0ed82-c89c-43c5-a07e-03d0cc3db28e','218f6fad-d88f-483f-bb04-ede4e8dac9b9','4cb7548a66fc475dab1bbb486957efac','egress','IPv4',NULL,NULL,NULL,NULL,NULL,NULL,0,1795385090045331,1795385090045331);
INSERT INTO "network_security_group_rules" VALUES(4,'24991113-c9a6-4334-af9f-acd403cdad68','218f6fad-d88f-483f-bb04-ede4e8dac9b9','4cb7548a66fc475dab1bbb486957efac','egress','IPv6',NULL,NULL,NULL,NULL,NULL,NULL,0,1795385090045331,1795385090045331);
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
INSERT INTO "network_security_groups" VALUES('218f6fad-d88f-483f-bb04-ede4e8dac9b9','4cb7548a66fc475dab1bbb486957efac','default','Default security group',1,1,'[]',1,1795385090045331,1795385090045331);
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
INSERT INTO "network_subnets" VALUES('69fed336-6233-4ea7-8e07-6f2cf6c3affc','9078f1e9-493b-4998-9fb8-39eb181e2a78','4cb7548a66fc475dab1bbb486957efac','default-subnet','',4,'10.20.0.0/24','10.20.0.1',1,NULL,NULL,'[]','[]','[]',X'0000000000000000000000000A140004','[]',0,1795385090045331,1795385090045331);
INSERT INTO "network_subnets" VALUES('6d6cad68-f929-4003-8718-f6114f61aada','79da240b-f038-4dd7-8209-b01396fa5f0a','4cb7548a66fc475dab1bbb486957efac','public-subnet','',4,'172.24.4.0/24','172.24.4.1',0,NULL,NULL,'[]','[]','[]',X'000000000000000000000000AC180400','[]',0,1795385090045331,1795385090045331);
CREATE TABLE schema_version (
            service TEXT PRIMARY KEY, version INTEGER NOT NULL, cloudbox TEXT NOT NULL
         ) STRICT;
INSERT INTO "schema_version" VALUES('admin',1,'0.1.0');
INSERT INTO "schema_version" VALUES('identity',6,'0.1.0');
INSERT INTO "schema_version" VALUES('image',1,'0.1.0');
INSERT INTO "schema_version" VALUES('network',1,'0.1.0');
INSERT INTO "schema_version" VALUES('volume',1,'0.1.0');
INSERT INTO "schema_version" VALUES('compute',2,'0.1.0');
CREATE TABLE volume_agents (
    host      TEXT PRIMARY KEY,
    backend   TEXT NOT NULL,
    total_gb  INTEGER NOT NULL,
    free_gb   INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
) STRICT;
INSERT INTO "volume_agents" VALUES('host-1','file',251,55,1795385090294571);
CREATE TABLE volume_attachments (
    id          TEXT PRIMARY KEY,
    volume_id   TEXT NOT NULL REFERENCES volume_volumes (id) ON DELETE CASCADE,
    server_id   TEXT,
    status      TEXT NOT NULL,
    host        TEXT,
    device      TEXT,
    connection  TEXT,
    created_at  INTEGER NOT NULL,
    attached_at INTEGER
) STRICT;
CREATE TABLE volume_journals (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE volume_quotas (
    project_id TEXT NOT NULL,
    resource   TEXT NOT NULL,
    hard_limit INTEGER NOT NULL,
    PRIMARY KEY (project_id, resource)
) STRICT, WITHOUT ROWID;
CREATE TABLE volume_types (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    description TEXT,
    is_public   INTEGER NOT NULL,
    extra_specs TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;
INSERT INTO "volume_types" VALUES('c5bac52e-bc80-4617-8826-0e4e34ef01ea','__DEFAULT__','Default Volume Type',1,'{}',1795385090049215);
CREATE TABLE volume_volumes (
    id                TEXT PRIMARY KEY,
    project_id        TEXT NOT NULL,
    user_id           TEXT NOT NULL,
    name              TEXT,
    description       TEXT,
    size_gb           INTEGER NOT NULL,
    status            TEXT NOT NULL,
    volume_type_id    TEXT NOT NULL REFERENCES volume_types (id),
    availability_zone TEXT NOT NULL,
    bootable          INTEGER NOT NULL,
    multiattach       INTEGER NOT NULL,
    image_id          TEXT,
    image_metadata    TEXT NOT NULL,
    metadata          TEXT NOT NULL,
    host              TEXT,
    backend           TEXT,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER
) STRICT;
INSERT INTO "volume_volumes" VALUES('3d297ff1-e02c-424c-b1a4-9276c2486250','4cb7548a66fc475dab1bbb486957efac','ee0573fc1b084f87b5a73f9e9c37ec38','old-volume',NULL,1,'available','c5bac52e-bc80-4617-8826-0e4e34ef01ea','nova',0,0,NULL,'{}','{}','host-1','file',1795385090877346,1795385090904509);
CREATE INDEX admin_audit_initiator ON admin_audit (initiator_id, seq);
CREATE INDEX admin_audit_project ON admin_audit (project_id, seq);
CREATE INDEX admin_audit_request ON admin_audit (request_id);
CREATE UNIQUE INDEX identity_projects_name ON identity_projects (ifnull(domain_id, ''), name);
CREATE INDEX identity_projects_parent ON identity_projects (parent_id);
CREATE UNIQUE INDEX identity_roles_name ON identity_roles (ifnull(domain_id, ''), name);
CREATE INDEX identity_endpoints_service ON identity_endpoints (service_id);
CREATE INDEX identity_application_credentials_project ON identity_application_credentials (project_id);
CREATE INDEX identity_application_credential_roles_role ON identity_application_credential_roles (role_id);
CREATE INDEX identity_application_credential_access_rules_rule
    ON identity_application_credential_access_rules (access_rule_id);
CREATE INDEX identity_trusts_trustor ON identity_trusts (trustor_user_id);
CREATE INDEX identity_trusts_trustee ON identity_trusts (trustee_user_id);
CREATE INDEX identity_trusts_project ON identity_trusts (project_id);
CREATE INDEX identity_trusts_redelegated ON identity_trusts (redelegated_trust_id);
CREATE INDEX identity_trust_roles_role ON identity_trust_roles (role_id);
CREATE TRIGGER identity_trust_roles_gone AFTER DELETE ON identity_trust_roles BEGIN
    DELETE FROM identity_trusts WHERE id = OLD.trust_id;
END;
CREATE INDEX identity_credentials_user ON identity_credentials (user_id, type);
CREATE INDEX identity_credentials_project ON identity_credentials (project_id);
CREATE INDEX identity_credentials_key ON identity_credentials (key_id);
CREATE INDEX identity_users_default_project ON identity_users (default_project_id);
CREATE INDEX identity_old_passwords_user ON identity_old_passwords (user_id);
CREATE INDEX identity_project_endpoints_endpoint ON identity_project_endpoints (endpoint_id);
CREATE INDEX identity_project_endpoint_groups_group ON identity_project_endpoint_groups (endpoint_group_id);
CREATE UNIQUE INDEX identity_policy_associations_place
    ON identity_policy_associations (ifnull(endpoint_id, ''), ifnull(service_id, ''), ifnull(region_id, ''));
CREATE INDEX identity_policy_associations_policy ON identity_policy_associations (policy_id);
CREATE INDEX identity_policy_associations_endpoint ON identity_policy_associations (endpoint_id);
CREATE INDEX identity_policy_associations_service ON identity_policy_associations (service_id);
CREATE INDEX identity_policy_associations_region ON identity_policy_associations (region_id);
CREATE INDEX identity_providers_domain ON identity_providers (domain_id);
CREATE INDEX identity_provider_remote_ids_idp ON identity_provider_remote_ids (idp_id);
CREATE INDEX identity_federated_users_user ON identity_federated_users (user_id);
CREATE TRIGGER identity_federated_users_gone AFTER DELETE ON identity_federated_users WHEN old.shadow = 1
BEGIN
    DELETE FROM identity_users
    WHERE id = old.user_id AND NOT EXISTS (SELECT 1 FROM identity_federated_users f WHERE f.user_id = old.user_id);
END;
CREATE INDEX identity_federated_memberships_group ON identity_federated_memberships (group_id);
CREATE INDEX identity_oauth1_request_tokens_consumer ON identity_oauth1_request_tokens (consumer_id);
CREATE INDEX identity_oauth1_access_tokens_user ON identity_oauth1_access_tokens (user_id);
CREATE INDEX identity_oauth1_access_tokens_consumer ON identity_oauth1_access_tokens (consumer_id);
CREATE INDEX identity_group_members_user ON identity_group_members (user_id);
CREATE UNIQUE INDEX identity_assignments_user
    ON identity_assignments (user_id, ifnull(target_id, ''), target_kind, inherited, role_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX identity_assignments_group
    ON identity_assignments (group_id, ifnull(target_id, ''), target_kind, inherited, role_id) WHERE group_id IS NOT NULL;
CREATE INDEX identity_assignments_target ON identity_assignments (target_id);
CREATE INDEX identity_assignments_role ON identity_assignments (role_id);
CREATE INDEX identity_assignments_inherited ON identity_assignments (target_id) WHERE inherited = 1;
CREATE UNIQUE INDEX identity_registered_limits_key
    ON identity_registered_limits (service_id, ifnull(region_id, ''), resource_name);
CREATE UNIQUE INDEX identity_limits_key ON identity_limits (registered_limit_id, ifnull(project_id, domain_id));
CREATE INDEX identity_limits_project ON identity_limits (project_id);
CREATE INDEX identity_limits_domain ON identity_limits (domain_id);
CREATE INDEX image_images_created ON image_images (created_at, id);
CREATE INDEX image_images_name ON image_images (name, id);
CREATE INDEX image_images_owner ON image_images (owner, created_at, id);
CREATE INDEX network_networks_by_project ON network_networks (project_id, id);
CREATE INDEX network_networks_by_name ON network_networks (name, id);
CREATE UNIQUE INDEX network_networks_by_segment ON network_networks (network_type, physical_network, segmentation_id)
    WHERE segmentation_id IS NOT NULL;
CREATE INDEX network_subnets_by_network ON network_subnets (network_id, created_at, id);
CREATE INDEX network_subnets_by_project ON network_subnets (project_id, id);
CREATE INDEX network_subnets_by_name ON network_subnets (name, id);
CREATE INDEX network_ports_by_project ON network_ports (project_id, id);
CREATE INDEX network_ports_by_device ON network_ports (device_id) WHERE device_id <> '';
CREATE INDEX network_ports_by_server ON network_ports (server_id) WHERE server_id IS NOT NULL;
CREATE INDEX network_ports_by_host ON network_ports (binding_host, network_id) WHERE binding_host <> '';
CREATE INDEX network_ports_by_name ON network_ports (name, id);
CREATE UNIQUE INDEX network_ports_dhcp ON network_ports (network_id, binding_host) WHERE device_owner = 'network:dhcp';
CREATE INDEX network_addresses_by_port ON network_addresses (port_id, position);
CREATE INDEX network_addresses_by_ip ON network_addresses (ip_address);
CREATE INDEX network_security_groups_by_project ON network_security_groups (project_id, name, id);
CREATE INDEX network_security_groups_by_name ON network_security_groups (name, id);
CREATE UNIQUE INDEX network_security_groups_default ON network_security_groups (project_id) WHERE is_default = 1;
CREATE INDEX network_rules_by_group ON network_security_group_rules (security_group_id, number);
CREATE INDEX network_rules_by_remote_group ON network_security_group_rules (remote_group_id) WHERE remote_group_id IS NOT NULL;
CREATE INDEX network_rules_by_project ON network_security_group_rules (project_id, id);
CREATE INDEX network_port_groups_by_group ON network_port_groups (security_group_id);
CREATE INDEX network_routers_by_project ON network_routers (project_id, id);
CREATE INDEX network_routers_by_name ON network_routers (name, id);
CREATE INDEX network_routers_by_host ON network_routers (host);
CREATE UNIQUE INDEX network_routers_by_gateway ON network_routers (gateway_port_id) WHERE gateway_port_id IS NOT NULL;
CREATE INDEX network_floatingips_by_project ON network_floatingips (project_id, id);
CREATE UNIQUE INDEX network_floatingips_by_port ON network_floatingips (port_id, fixed_ip_address, floating_network_id)
    WHERE port_id IS NOT NULL;
CREATE INDEX network_floatingips_by_router ON network_floatingips (router_id) WHERE router_id IS NOT NULL;
CREATE INDEX volume_volumes_created ON volume_volumes (created_at, id);
CREATE INDEX volume_volumes_project ON volume_volumes (project_id, created_at, id);
CREATE INDEX volume_volumes_host ON volume_volumes (host);
CREATE INDEX volume_attachments_volume ON volume_attachments (volume_id);
CREATE INDEX compute_instances_by_project ON compute_instances (project_id, deleted_at, created_at DESC, number DESC);
CREATE INDEX compute_instances_by_age ON compute_instances (deleted_at, created_at DESC, number DESC);
CREATE INDEX compute_instances_by_change ON compute_instances (updated_at);
CREATE INDEX compute_instances_by_host ON compute_instances (host) WHERE deleted_at IS NULL;
CREATE INDEX compute_instances_by_reservation ON compute_instances (reservation_id);
CREATE INDEX compute_instances_by_task ON compute_instances (task_state) WHERE deleted_at IS NULL AND task_state IS NOT NULL;
CREATE INDEX compute_block_devices_by_instance ON compute_block_devices (instance_id, id);
CREATE INDEX compute_block_devices_by_volume ON compute_block_devices (volume_id);
CREATE INDEX compute_actions_by_instance ON compute_actions (instance_id, id DESC);
CREATE INDEX compute_actions_by_request ON compute_actions (instance_id, request_id);
CREATE INDEX compute_action_events_by_action ON compute_action_events (action_id, id);
CREATE INDEX compute_spans_by_instance ON compute_spans (instance_id, request_id, id);
CREATE INDEX compute_server_groups_by_project ON compute_server_groups (project_id, number);
CREATE INDEX compute_server_group_members_by_instance ON compute_server_group_members (instance_id);
CREATE INDEX compute_console_tokens_by_expiry ON compute_console_tokens (expires_at);
CREATE INDEX compute_allocations_by_provider ON compute_allocations (provider, consumer);
CREATE TRIGGER compute_allocations_added AFTER INSERT ON compute_allocations BEGIN
    UPDATE compute_inventories SET used = used + NEW.used
        WHERE provider = NEW.provider AND resource_class = NEW.resource_class;
    UPDATE compute_providers SET generation = generation + 1 WHERE uuid = NEW.provider;
END;
CREATE TRIGGER compute_allocations_removed AFTER DELETE ON compute_allocations BEGIN
    UPDATE compute_inventories SET used = used - OLD.used
        WHERE provider = OLD.provider AND resource_class = OLD.resource_class;
    UPDATE compute_providers SET generation = generation + 1 WHERE uuid = OLD.provider;
END;
CREATE INDEX compute_journals_by_host ON compute_journals (host, subject);
CREATE TRIGGER compute_instances_deleted AFTER UPDATE OF deleted_at ON compute_instances
WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL BEGIN
    DELETE FROM compute_allocations WHERE consumer = NEW.id;
    DELETE FROM compute_failed_attempts WHERE instance_id = NEW.id;
    DELETE FROM compute_guest_data WHERE instance_id = NEW.id;
END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('compute_hosts',1);
INSERT INTO "sqlite_sequence" VALUES('compute_keypairs',1);
INSERT INTO "sqlite_sequence" VALUES('compute_instances',1);
INSERT INTO "sqlite_sequence" VALUES('compute_block_devices',1);
INSERT INTO "sqlite_sequence" VALUES('compute_actions',1);
INSERT INTO "sqlite_sequence" VALUES('compute_spans',27);
INSERT INTO "sqlite_sequence" VALUES('compute_action_events',1);
COMMIT;
