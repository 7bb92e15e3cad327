//! Who may do what: Glance's own rules and defaults.

use http_kit::Rule;

const READER: &str = "role:admin or (role:reader and project_id:%(project_id)s)";
const VISIBLE: &str = "role:admin or (role:reader and (project_id:%(project_id)s or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))";
const MEMBER: &str = "role:admin or (role:member and project_id:%(project_id)s)";

/// See the module.
pub const RULES: &[Rule] = &[
    Rule::new(
        "add_image",
        "role:admin or (role:member and project_id:%(project_id)s and project_id:%(owner)s)",
        "Create an image.",
    ),
    Rule::new("get_images", READER, "List images."),
    Rule::new("get_image", VISIBLE, "Show an image."),
    Rule::new("modify_image", MEMBER, "Change an image."),
    Rule::new("delete_image", MEMBER, "Delete an image."),
    Rule::new("publicize_image", "role:admin", "Make an image public."),
    Rule::new("communitize_image", MEMBER, "Make an image a community one."),
    Rule::new("upload_image", MEMBER, "Upload an image's bytes."),
    Rule::new(
        "download_image",
        "role:admin or (role:member and (project_id:%(project_id)s or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))",
        "Download an image's bytes.",
    ),
];
