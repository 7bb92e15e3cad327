//! Who may do what: Cinder's own rules and defaults.

use http_kit::Rule;

const READER: &str = "rule:project_reader_or_admin";
const MEMBER: &str = "rule:project_member_or_admin";
const ADMIN: &str = "rule:admin_api";

/// See the module.
pub const RULES: &[Rule] = &[
    Rule::new("volume:create", MEMBER, "Create a volume."),
    Rule::new("volume:create_from_image", MEMBER, "Create a volume from an image."),
    Rule::new("volume:get", READER, "Show a volume."),
    Rule::new("volume:get_all", READER, "List volumes."),
    Rule::new("volume:update", MEMBER, "Change a volume."),
    Rule::new("volume:delete", MEMBER, "Delete a volume."),
    Rule::new("volume_extension:volume_host_attribute", ADMIN, "See a volume's host."),
    Rule::new("volume:attachment_create", MEMBER, "Create an attachment."),
    Rule::new("volume:attachment_update", MEMBER, "Give an attachment its connector."),
    Rule::new("volume:attachment_delete", MEMBER, "Delete an attachment."),
    Rule::new("volume:attachment_complete", MEMBER, "Mark an attachment as done."),
    Rule::new("volume_extension:type_get_all", READER, "List volume types."),
    Rule::new("volume_extension:type_get", READER, "Show a volume type."),
    Rule::new("volume_extension:quotas:show", READER, "Show a project's quotas."),
    Rule::new("volume_extension:quotas:update", ADMIN, "Change a project's quotas."),
    Rule::new("volume_extension:quotas:delete", ADMIN, "Reset a project's quotas."),
    Rule::new("volume:availability_zone_list", "", "List availability zones."),
    Rule::new("limits_extension:used_limits", READER, "Show limits with what is used."),
    Rule::new("volume_extension:services:index", ADMIN, "List services."),
];
