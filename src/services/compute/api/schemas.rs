//! JSON schemas of bodies and queries, by microversion. Each is data; what they have in common is spelled once, in macros
//! that expand to text.

macro_rules! name {
    () => {
        r#"{"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^\\S([\\s\\S]*\\S)?$"}"#
    };
}

macro_rules! boolean {
    () => {
        r#"{"type": ["boolean", "string"], "enum": [true, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes",
            false, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no"]}"#
    };
}

macro_rules! positive {
    () => {
        r#"{"type": ["integer", "string"], "pattern": "^[0-9]*$", "minimum": 1, "minLength": 1}"#
    };
}

macro_rules! size {
    ($minimum:literal) => {
        concat!(
            r#"{"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": "#,
            $minimum,
            r#", "maximum": 2147483647}"#
        )
    };
}

macro_rules! tag {
    () => {
        r#"{"type": "string", "pattern": "^[^,/]*$", "minLength": 1, "maxLength": 60}"#
    };
}

macro_rules! metadata {
    () => {
        r#"{"type": "object", "patternProperties": {"^[a-zA-Z0-9-_:. ]{1,255}$": {"type": "string", "maxLength": 255}},
            "additionalProperties": false}"#
    };
}

macro_rules! description {
    ($longest:literal) => {
        concat!(r#"{"type": ["string", "null"], "minLength": 0, "maxLength": "#, $longest, "}")
    };
}

/// An object with one property, `key`, which is an object of `properties`.
macro_rules! wrapped {
    ($key:literal, $required:literal, $($properties:expr),+ $(,)?) => {
        concat!(
            r#"{"type": "object", "properties": {""#, $key, r#"": {"type": "object", "properties": {"#, $($properties),+,
            r#"}, "required": ["#, $required, r#"], "additionalProperties": false}}, "required": [""#, $key,
            r#""], "additionalProperties": false}"#
        )
    };
}

macro_rules! flavor {
    ($($more:expr),* $(,)?) => {
        wrapped!(
            "flavor", r#""name", "ram", "vcpus", "disk""#,
            r#""name": "#, name!(),
            r#", "id": {"type": ["string", "number", "null"], "minLength": 1, "maxLength": 255,
                "pattern": "^[a-zA-Z0-9._-]([a-zA-Z0-9. _-]*[a-zA-Z0-9._-])?$"}, "ram": "#, size!(1), r#", "vcpus": "#, size!(1),
            r#", "disk": "#, size!(0), r#", "OS-FLV-EXT-DATA:ephemeral": "#, size!(0), r#", "swap": "#, size!(0),
            r#", "os-flavor-access:is_public": "#, boolean!(), $($more),*
        )
    };
}

macro_rules! rxtx {
    () => {
        r#", "rxtx_factor": {"type": ["number", "string"], "pattern": "^[0-9]+(\\.[0-9]+)?$", "exclusiveMinimum": 0,
            "maximum": 3.40282e+38}"#
    };
}

pub(super) const FLAVOR_CREATE: &str = flavor!(rxtx!());
pub(super) const FLAVOR_CREATE_255: &str = flavor!(rxtx!(), r#", "description": "#, description!(65535));
pub(super) const FLAVOR_CREATE_2102: &str = flavor!(r#", "description": "#, description!(65535));
pub(super) const FLAVOR_UPDATE: &str =
    wrapped!("flavor", r#""description""#, r#""description": "#, description!(65535));
pub(super) const FLAVOR_QUERY: &str = r#"{"type": "object", "properties": {"limit": {}, "marker": {}, "is_public": {},
    "minRam": {}, "minDisk": {}, "sort_key": {}, "sort_dir": {}}, "additionalProperties": false}"#;

pub(super) const ADD_TENANT_ACCESS: &str =
    wrapped!("addTenantAccess", r#""tenant""#, r#""tenant": {"type": "string", "minLength": 1, "maxLength": 255}"#);
pub(super) const REMOVE_TENANT_ACCESS: &str =
    wrapped!("removeTenantAccess", r#""tenant""#, r#""tenant": {"type": "string", "minLength": 1, "maxLength": 255}"#);
pub(super) const EXTRA_SPECS_CREATE: &str = r#"{"type": "object", "properties": {"extra_specs": {"type": "object",
    "patternProperties": {"^[a-zA-Z0-9-_:. ]{1,255}$": {"type": ["string", "number"], "maxLength": 255}},
    "additionalProperties": false}}, "required": ["extra_specs"], "additionalProperties": false}"#;
pub(super) const EXTRA_SPECS_UPDATE: &str = r#"{"type": "object", "patternProperties": {"^[a-zA-Z0-9-_:. ]{1,255}$":
    {"type": ["string", "number"], "maxLength": 255}}, "minProperties": 1, "maxProperties": 1,
    "additionalProperties": false}"#;

macro_rules! keypair {
    ($pattern:literal, $required:literal, $($more:expr),* $(,)?) => {
        wrapped!(
            "keypair", $required, r#""name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": ""#,
            $pattern, r#""}, "public_key": {"type": "string"}"#, $($more),*
        )
    };
}

pub(super) const KEYPAIR: &str = keypair!("^[_\\\\- a-zA-Z0-9]+$", r#""name""#, "");
pub(super) const KEYPAIR_22: &str =
    keypair!("^[_\\\\- a-zA-Z0-9]+$", r#""name""#, r#", "type": {"type": "string", "enum": ["ssh", "x509"]}"#);
pub(super) const KEYPAIR_210: &str = keypair!(
    "^[_\\\\- a-zA-Z0-9]+$",
    r#""name""#,
    r#", "type": {"type": "string", "enum": ["ssh", "x509"]}, "user_id": {"type": "string"}"#
);
pub(super) const KEYPAIR_292: &str = keypair!(
    "^[_\\\\-@\\\\. a-zA-Z0-9]+$",
    r#""name", "public_key""#,
    r#", "type": {"type": "string", "enum": ["ssh", "x509"]}, "user_id": {"type": "string"}"#
);

macro_rules! policies {
    ($policies:literal) => {
        wrapped!(
            "server_group",
            r#""name", "policies""#,
            r#""name": "#,
            name!(),
            r#", "policies": {"type": "array", "items": {"type": "string", "enum": ["#,
            $policies,
            r#"]}, "uniqueItems": true, "minItems": 1, "maxItems": 1}"#
        )
    };
}

pub(super) const SERVER_GROUP: &str = policies!(r#""anti-affinity", "affinity""#);
pub(super) const SERVER_GROUP_215: &str =
    policies!(r#""anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity""#);
pub(super) const SERVER_GROUP_264: &str = wrapped!(
    "server_group",
    r#""name", "policy""#,
    r#""name": "#,
    name!(),
    r#", "policy": {"type": "string", "enum": ["anti-affinity", "affinity", "soft-anti-affinity", "soft-affinity"]},
        "rules": {"type": "object", "properties": {"max_server_per_host": "#,
    positive!(),
    r#"}, "additionalProperties": false}"#
);

macro_rules! limit {
    () => {
        r#"{"type": ["integer", "string"], "pattern": "^-?[0-9]+$", "minimum": -1, "maximum": 2147483647}"#
    };
}

macro_rules! quota {
    ($($more:expr),* $(,)?) => {
        wrapped!(
            "quota_set", "", r#""instances": "#, limit!(), r#", "cores": "#, limit!(), r#", "ram": "#, limit!(),
            r#", "metadata_items": "#, limit!(), r#", "key_pairs": "#, limit!(), r#", "server_groups": "#, limit!(),
            r#", "server_group_members": "#, limit!(), r#", "force": "#, boolean!(), $($more),*
        )
    };
}

macro_rules! injected {
    () => {
        concat!(
            r#", "injected_files": "#,
            limit!(),
            r#", "injected_file_content_bytes": "#,
            limit!(),
            r#", "injected_file_path_bytes": "#,
            limit!()
        )
    };
}

pub(super) const QUOTA_UPDATE: &str = quota!(
    injected!(),
    r#", "fixed_ips": "#,
    limit!(),
    r#", "floating_ips": "#,
    limit!(),
    r#", "security_groups": "#,
    limit!(),
    r#", "security_group_rules": "#,
    limit!()
);
pub(super) const QUOTA_UPDATE_236: &str = quota!(injected!());
pub(super) const QUOTA_UPDATE_257: &str = quota!("");

pub(super) const SERVICE_HOST: &str = r#"{"type": "object", "properties": {"host": {"type": "string"}, "binary":
    {"type": "string", "minLength": 1, "maxLength": 255}}, "required": ["host", "binary"], "additionalProperties": false}"#;
pub(super) const SERVICE_REASON: &str = r#"{"type": "object", "properties": {"host": {"type": "string"}, "binary":
    {"type": "string", "minLength": 1, "maxLength": 255}, "disabled_reason": {"type": "string", "minLength": 1,
    "maxLength": 255}}, "required": ["host", "binary", "disabled_reason"], "additionalProperties": false}"#;
pub(super) const SERVICE_DOWN: &str = concat!(
    r#"{"type": "object", "properties": {"host": {"type": "string"}, "binary": {"type": "string", "minLength": 1,
    "maxLength": 255}, "forced_down": "#,
    boolean!(),
    r#"}, "required": ["host", "binary"], "additionalProperties": false}"#
);
pub(super) const SERVICE_UPDATE: &str = concat!(
    r#"{"type": "object", "properties": {"status": {"type": "string", "enum": ["enabled", "disabled"]}, "disabled_reason":
    {"type": "string", "minLength": 1, "maxLength": 255}, "forced_down": "#,
    boolean!(),
    r#"}, "additionalProperties": false}"#
);

pub(super) const METADATA: &str = concat!(
    r#"{"type": "object", "properties": {"metadata": "#,
    metadata!(),
    r#"}, "required": ["metadata"],
    "additionalProperties": false}"#
);
pub(super) const METADATA_ITEM: &str = r#"{"type": "object", "properties": {"meta": {"type": "object", "patternProperties":
    {"^[a-zA-Z0-9-_:. ]{1,255}$": {"type": "string", "maxLength": 255}}, "minProperties": 1, "maxProperties": 1,
    "additionalProperties": false}}, "required": ["meta"], "additionalProperties": false}"#;
pub(super) const TAGS: &str = concat!(
    r#"{"type": "object", "properties": {"tags": {"type": "array", "maxItems": 50, "items": "#,
    tag!(),
    r#"}},
    "required": ["tags"], "additionalProperties": false}"#
);

pub(super) const REBOOT: &str = wrapped!(
    "reboot",
    r#""type""#,
    r#""type": {"type": "string", "enum": ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]}"#
);
pub(super) const CREATE_IMAGE: &str =
    wrapped!("createImage", r#""name""#, r#""name": "#, name!(), r#", "metadata": "#, metadata!());
pub(super) const LOCK_273: &str = r#"{"type": "object", "properties": {"lock": {"type": ["object", "null"], "properties":
    {"locked_reason": {"type": "string", "minLength": 1, "maxLength": 255}}, "additionalProperties": false}},
    "required": ["lock"], "additionalProperties": false}"#;
pub(super) const CONSOLE_OUTPUT: &str = r#"{"type": "object", "properties": {"os-getConsoleOutput": {"type": "object",
    "properties": {"length": {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$", "minimum": -1}},
    "additionalProperties": false}}, "required": ["os-getConsoleOutput"], "additionalProperties": false}"#;
pub(super) const VNC_CONSOLE: &str =
    wrapped!("os-getVNCConsole", r#""type""#, r#""type": {"type": "string", "enum": ["novnc", "xvpvnc"]}"#);
pub(super) const SERIAL_CONSOLE: &str =
    wrapped!("os-getSerialConsole", r#""type""#, r#""type": {"type": "string", "enum": ["serial"]}"#);
pub(super) const TUNNEL: &str =
    wrapped!("tunnel", r#""port""#, r#""port": {"type": "integer", "minimum": 1, "maximum": 65535}"#);

macro_rules! remote_console {
    ($protocols:literal, $types:literal) => {
        wrapped!(
            "remote_console",
            r#""protocol", "type""#,
            r#""protocol": {"type": "string", "enum": ["vnc", "spice", "serial", "rdp""#,
            $protocols,
            r#"]}, "type": {"type": "string", "enum": ["novnc", "xvpvnc", "spice-html5", "serial", "rdp-html5""#,
            $types,
            "]}"
        )
    };
}

pub(super) const REMOTE_CONSOLE: &str = remote_console!("", "");
pub(super) const REMOTE_CONSOLE_28: &str = remote_console!(r#", "mks""#, r#", "webmks""#);
pub(super) const REMOTE_CONSOLE_299: &str = remote_console!(r#", "mks""#, r#", "webmks", "spice-direct""#);

macro_rules! attachment {
    ($($more:expr),* $(,)?) => {
        wrapped!(
            "volumeAttachment", r#""volumeId""#, r#""volumeId": {"type": "string", "format": "uuid"}, "device":
                {"type": ["string", "null"], "pattern": "(^/dev/x{0,1}[a-z]{0,1}d{0,1})([a-z]+)[0-9]*$"}"#, $($more),*
        )
    };
}

pub(super) const ATTACH: &str = attachment!("");
pub(super) const ATTACH_249: &str = attachment!(r#", "tag": "#, tag!());
pub(super) const ATTACH_279: &str = attachment!(r#", "tag": "#, tag!(), r#", "delete_on_termination": "#, boolean!());
pub(super) const ATTACHMENT_UPDATE: &str = attachment!(
    r#", "tag": "#,
    tag!(),
    r#", "delete_on_termination": "#,
    boolean!(),
    r#", "serverId": {"type": "string", "format": "uuid"}, "id": {"type": "string", "format": "uuid"}"#
);

macro_rules! server_update {
    ($($more:expr),* $(,)?) => {
        wrapped!(
            "server", "", r#""name": "#, name!(), r#", "OS-DCF:diskConfig": {"type": "string", "enum": ["AUTO", "MANUAL"]},
                "accessIPv4": {"type": "string", "format": "ipv4"}, "accessIPv6": {"type": "string", "format": "ipv6"}"#, $($more),*
        )
    };
}

macro_rules! hostname {
    () => {
        r#"{"type": "string", "pattern": "^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$", "minLength": 2, "maxLength": 63}"#
    };
}

macro_rules! fqdn {
    () => {
        r#"{"type": "string", "pattern": "^[a-zA-Z0-9-._]*$", "minLength": 1, "maxLength": 255}"#
    };
}

pub(super) const SERVER_UPDATE: &str = server_update!("");
pub(super) const SERVER_UPDATE_219: &str = server_update!(r#", "description": "#, description!(255));
pub(super) const SERVER_UPDATE_290: &str =
    server_update!(r#", "description": "#, description!(255), r#", "hostname": "#, hostname!());
pub(super) const SERVER_UPDATE_294: &str =
    server_update!(r#", "description": "#, description!(255), r#", "hostname": "#, fqdn!());
pub(super) const SERVER_UPDATE_2104: &str = server_update!(
    r#", "description": "#,
    description!(255),
    r#", "hostname": "#,
    fqdn!(),
    r#", "pinned_availability_zone": {"oneOf": [{"type": "string", "minLength": 1, "maxLength": 255}, {"type": "null"}]}"#
);

/// From 2.75 on, what a list does not know is refused.
pub(super) const SERVER_QUERY: &str = r#"{"type": "object", "properties": {"user_id": {}, "project_id": {}, "tenant_id": {},
    "launch_index": {}, "image_ref": {}, "image": {}, "kernel_id": {}, "ramdisk_id": {}, "hostname": {}, "key_name": {},
    "power_state": {}, "vm_state": {}, "task_state": {}, "host": {}, "node": {}, "flavor": {}, "reservation_id": {},
    "launched_at": {}, "terminated_at": {}, "availability_zone": {}, "name": {}, "display_name": {}, "description": {},
    "display_description": {}, "locked_by": {}, "uuid": {}, "root_device_name": {}, "config_drive": {}, "access_ip_v4": {},
    "access_ip_v6": {}, "auto_disk_config": {}, "progress": {}, "sort_key": {}, "sort_dir": {}, "all_tenants": {},
    "soft_deleted": {}, "deleted": {}, "status": {}, "changes-since": {}, "changes-before": {}, "ip": {}, "ip6": {},
    "created_at": {}, "limit": {}, "marker": {}, "tags": {}, "tags-any": {}, "not-tags": {}, "not-tags-any": {},
    "locked": {}}, "patternProperties": {"^_": {}}, "additionalProperties": false}"#;

macro_rules! mapping {
    ($($more:expr),* $(,)?) => {
        concat!(
            r#"{"type": "object", "properties": {"virtual_name": {"type": "string", "maxLength": 255},
                "volume_id": {"type": "string", "format": "uuid"}, "snapshot_id": {"type": "string", "format": "uuid"},
                "volume_size": "#, size!(1), r#", "device_name": {"type": "string", "minLength": 1, "maxLength": 255,
                "pattern": "^[a-zA-Z0-9._/-]*$"}, "delete_on_termination": "#, boolean!(), r#", "no_device": {},
                "connection_info": {"type": "string", "maxLength": 16777215}"#, $($more),*,
            r#"}, "additionalProperties": false}"#
        )
    };
}

macro_rules! mapping_v2 {
    ($($more:expr),* $(,)?) => {
        mapping!(
            r#", "source_type": {"type": "string", "enum": ["volume", "image", "snapshot", "blank"]},
                "uuid": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9._-]*$"},
                "image_id": {"type": "string", "format": "uuid"}, "destination_type": {"type": "string", "enum": ["local", "volume"]},
                "guest_format": {"type": "string", "maxLength": 255}, "device_type": {"type": "string", "maxLength": 255},
                "disk_bus": {"type": "string", "maxLength": 255},
                "boot_index": {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$"}"#, $($more),*
        )
    };
}

macro_rules! ip {
    () => {
        r#"{"type": "string", "oneOf": [{"format": "ipv4"}, {"format": "ipv6"}]}"#
    };
}

macro_rules! networks {
    ($uuid:literal, $($more:expr),* $(,)?) => {
        concat!(
            r#"{"type": "array", "items": {"type": "object", "properties": {"fixed_ip": "#, ip!(),
            r#", "port": {"type": ["string", "null"], "format": "uuid"}, "uuid": "#, $uuid, $($more),*,
            r#"}, "additionalProperties": false}}"#
        )
    };
}

/// From 2.37 on.
macro_rules! networks_or_word {
    ($($more:expr),* $(,)?) => {
        concat!(
            r#"{"oneOf": ["#, networks!(r#"{"type": "string", "format": "uuid"}"#, $($more),*),
            r#", {"type": "string", "enum": ["none", "auto"]}]}"#
        )
    };
}

macro_rules! hints {
    () => {
        concat!(
            r#"{"type": "object", "properties": {"group": {"oneOf": [{"type": "array", "items": {"type": "string", "format": "uuid"}},
                {"type": "string", "format": "uuid"}]}, "different_host": {"oneOf": [{"type": "string", "format": "uuid"},
                {"type": "array", "items": {"type": "string", "format": "uuid"}}]}, "same_host": {"type": ["string", "array"],
                "items": {"type": "string", "format": "uuid"}}, "query": {"type": ["string", "object"]},
                "different_cell": {"type": ["string", "array"], "items": {"type": "string"}}, "build_near_host_ip": "#, ip!(),
            r#", "cidr": {"type": "string", "pattern": "^/[0-9a-f.:]+$"}}, "additionalProperties": true}"#
        )
    };
}

/// `POST /servers`: what is required, the networks, the newer block device mappings, and what else there is.
macro_rules! server {
    ($required:literal, $networks:expr, $mapping:expr, $($more:expr),* $(,)?) => {
        concat!(
            r#"{"type": "object", "properties": {"server": {"type": "object", "properties": {"name": "#, name!(),
            r#", "imageRef": {"oneOf": [{"type": "string", "format": "uuid"}, {"type": "string", "maxLength": 0}]},
                "flavorRef": {"type": ["string", "integer"], "minLength": 1}, "adminPass": {"type": "string"},
                "metadata": "#, metadata!(), r#", "networks": "#, $networks,
            r#", "OS-DCF:diskConfig": {"type": "string", "enum": ["AUTO", "MANUAL"]},
                "accessIPv4": {"type": "string", "format": "ipv4"}, "accessIPv6": {"type": "string", "format": "ipv6"},
                "availability_zone": "#, name!(), r#", "block_device_mapping": {"type": "array", "items": "#, mapping!(""),
            r#"}, "block_device_mapping_v2": {"type": "array", "items": "#, $mapping, r#"}, "config_drive": "#, boolean!(),
            r#", "key_name": "#, name!(), r#", "min_count": "#, positive!(), r#", "max_count": "#, positive!(),
            r#", "return_reservation_id": "#, boolean!(), r#", "security_groups": {"type": "array", "items":
                {"type": "object", "properties": {"name": "#, name!(), r#"}, "additionalProperties": false}},
                "user_data": {"type": "string", "maxLength": 65535}"#, $($more),*,
            r#"}, "required": ["#, $required, r#"], "additionalProperties": false}, "os:scheduler_hints": "#, hints!(),
            r#", "OS-SCH-HNT:scheduler_hints": "#, hints!(), r#"}, "required": ["server"], "additionalProperties": false}"#
        )
    };
}

macro_rules! personality {
    () => {
        r#", "personality": {"type": "array", "items": {"type": "object", "properties": {"path": {"type": "string"},
            "contents": {"type": "string"}}, "additionalProperties": false}}"#
    };
}

macro_rules! described {
    () => {
        concat!(r#", "description": "#, description!(255))
    };
}

macro_rules! tagged {
    () => {
        concat!(described!(), r#", "tags": {"type": "array", "maxItems": 50, "items": "#, tag!(), "}")
    };
}

macro_rules! certified {
    () => {
        concat!(
            tagged!(),
            r#", "trusted_image_certificates": {"type": ["array", "null"], "minItems": 1, "maxItems": 50,
                "uniqueItems": true, "items": {"type": "string", "minLength": 1}}"#
        )
    };
}

macro_rules! destined {
    () => {
        concat!(certified!(), r#", "host": "#, fqdn!(), r#", "hypervisor_hostname": "#, fqdn!())
    };
}

macro_rules! network_tag {
    () => {
        concat!(r#", "tag": "#, tag!())
    };
}

macro_rules! mapping_267 {
    () => {
        mapping_v2!(
            network_tag!(),
            r#", "volume_type": {"type": ["string", "null"], "minLength": 0, "maxLength": 255}"#
        )
    };
}

pub(super) const SERVER: &str =
    server!(r#""name", "flavorRef""#, networks!(r#"{"type": "string"}"#, ""), mapping_v2!(""), personality!());
pub(super) const SERVER_219: &str = server!(
    r#""name", "flavorRef""#,
    networks!(r#"{"type": "string"}"#, ""),
    mapping_v2!(""),
    personality!(),
    described!()
);
pub(super) const SERVER_232: &str = server!(
    r#""name", "flavorRef""#,
    networks!(r#"{"type": "string"}"#, network_tag!()),
    mapping_v2!(network_tag!()),
    personality!(),
    described!()
);
pub(super) const SERVER_233: &str = server!(
    r#""name", "flavorRef""#,
    networks!(r#"{"type": "string"}"#, network_tag!()),
    mapping_v2!(""),
    personality!(),
    described!()
);
pub(super) const SERVER_237: &str =
    server!(r#""name", "flavorRef", "networks""#, networks_or_word!(""), mapping_v2!(""), personality!(), described!());
pub(super) const SERVER_242: &str = server!(
    r#""name", "flavorRef", "networks""#,
    networks_or_word!(network_tag!()),
    mapping_v2!(network_tag!()),
    personality!(),
    described!()
);
pub(super) const SERVER_252: &str = server!(
    r#""name", "flavorRef", "networks""#,
    networks_or_word!(network_tag!()),
    mapping_v2!(network_tag!()),
    personality!(),
    tagged!()
);
pub(super) const SERVER_257: &str = server!(
    r#""name", "flavorRef", "networks""#,
    networks_or_word!(network_tag!()),
    mapping_v2!(network_tag!()),
    tagged!()
);
pub(super) const SERVER_263: &str = server!(
    r#""name", "flavorRef", "networks""#,
    networks_or_word!(network_tag!()),
    mapping_v2!(network_tag!()),
    certified!()
);
pub(super) const SERVER_267: &str =
    server!(r#""name", "flavorRef", "networks""#, networks_or_word!(network_tag!()), mapping_267!(), certified!());
pub(super) const SERVER_274: &str =
    server!(r#""name", "flavorRef", "networks""#, networks_or_word!(network_tag!()), mapping_267!(), destined!());
pub(super) const SERVER_290: &str = server!(
    r#""name", "flavorRef", "networks""#,
    networks_or_word!(network_tag!()),
    mapping_267!(),
    destined!(),
    r#", "hostname": "#,
    hostname!()
);
pub(super) const SERVER_294: &str = server!(
    r#""name", "flavorRef", "networks""#,
    networks_or_word!(network_tag!()),
    mapping_267!(),
    destined!(),
    r#", "hostname": "#,
    fqdn!()
);

#[cfg(test)]
mod tests {
    /// Every one is compiled when the service is prepared; this says so without the service.
    #[test]
    fn all_are_json() {
        for text in [
            super::SERVER,
            super::SERVER_219,
            super::SERVER_232,
            super::SERVER_233,
            super::SERVER_237,
            super::SERVER_242,
            super::SERVER_252,
            super::SERVER_257,
            super::SERVER_263,
            super::SERVER_267,
            super::SERVER_274,
            super::SERVER_290,
            super::SERVER_294,
            super::FLAVOR_CREATE,
            super::FLAVOR_CREATE_255,
            super::FLAVOR_CREATE_2102,
            super::KEYPAIR,
            super::KEYPAIR_292,
            super::QUOTA_UPDATE,
            super::SERVER_UPDATE_2104,
            super::REMOTE_CONSOLE_299,
            super::SERIAL_CONSOLE,
            super::TUNNEL,
            super::ATTACH_279,
        ] {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(text);
            assert!(parsed.is_ok(), "{parsed:?} {text}");
        }
    }
}
