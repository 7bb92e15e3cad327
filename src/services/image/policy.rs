//! Who may do what: Glance's own rules and defaults.

pub mod metadefs;

use http_kit::Rule;

macro_rules! admin_or {
    ($check:literal) => {
        concat!("rule:context_is_admin or (", $check, ")")
    };
}

const ADMIN: &str = "rule:context_is_admin";
const READER: &str = admin_or!("role:reader and project_id:%(project_id)s");
const MEMBER: &str = admin_or!("role:member and project_id:%(project_id)s");
const SEEN: &str = admin_or!(
    "role:reader and (project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s \
     or 'public':%(visibility)s or 'shared':%(visibility)s)"
);
const DOWNLOADED: &str = admin_or!(
    "role:member and (project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s \
     or 'public':%(visibility)s or 'shared':%(visibility)s)"
);
const READER_OR_SHARED_WITH: &str =
    admin_or!("role:reader and (project_id:%(project_id)s or project_id:%(member_id)s)");

/// See the module.
pub const RULES: &[Rule] = &[
    Rule::new("default", "", "What names no rule of its own."),
    Rule::new("service_api", "role:service or role:admin", "One of the cloud's own services."),
    Rule::new(
        "add_image",
        admin_or!("role:member and project_id:%(project_id)s and project_id:%(owner)s"),
        "Create an image.",
    ),
    Rule::new("get_images", READER, "List images."),
    Rule::new("get_image", SEEN, "Show an image."),
    Rule::new("modify_image", MEMBER, "Change an image."),
    Rule::new("delete_image", MEMBER, "Delete an image."),
    Rule::new("publicize_image", ADMIN, "Make an image public."),
    Rule::new("communitize_image", MEMBER, "Make an image a community one."),
    Rule::new("upload_image", MEMBER, "Upload an image's bytes."),
    Rule::new("download_image", DOWNLOADED, "Download an image's bytes."),
    Rule::new("download_from_store", DOWNLOADED, "Download an image's bytes from a store of one's choice."),
    Rule::new("get_image_location", READER, "Read where an image's bytes are."),
    Rule::new("set_image_location", MEMBER, "Say where an image's bytes are, by changing the image."),
    Rule::new("delete_image_location", ADMIN, "Remove one of the places where an image's bytes are."),
    Rule::new(
        "add_image_location",
        "rule:service_api or (role:member and project_id:%(project_id)s and project_id:%(owner)s)",
        "Say where a new image's bytes are.",
    ),
    Rule::new("fetch_image_location", "rule:service_api", "List the places where an image's bytes are."),
    Rule::new("add_member", MEMBER, "Share an image with a project."),
    Rule::new("delete_member", MEMBER, "Stop sharing an image with a project."),
    Rule::new("get_member", READER_OR_SHARED_WITH, "Show a project that an image is shared with."),
    Rule::new("get_members", READER_OR_SHARED_WITH, "List the projects that an image is shared with."),
    Rule::new(
        "modify_member",
        admin_or!("role:member and project_id:%(member_id)s"),
        "Accept or reject an image that is shared with the project.",
    ),
    Rule::new("deactivate", MEMBER, "Keep an image's bytes back."),
    Rule::new("reactivate", MEMBER, "Give an image's bytes out again."),
    Rule::new("copy_image", ADMIN, "Copy an image's bytes to further stores."),
    Rule::new("manage_image_cache", ADMIN, "Manage the image cache."),
    Rule::new("cache_image", ADMIN, "Queue an image for the cache."),
    Rule::new("cache_list", ADMIN, "List what is cached and queued."),
    Rule::new("cache_delete", ADMIN, "Take images out of the cache and its queue."),
    Rule::new("cache_clean", ADMIN, "Take what is broken or stalled out of the cache."),
    Rule::new("cache_prune", ADMIN, "Take the least used out of a cache that is too large."),
    Rule::new("list_cached_nodes", ADMIN, "List the nodes that have an image in their cache."),
    Rule::new("stores_info_detail", "rule:context_is_admin or rule:service_api", "Show stores in detail."),
    Rule::new("tasks_api_access", ADMIN, "Use the API of tasks."),
    Rule::new("get_task", "rule:default", "Show a task."),
    Rule::new("get_tasks", "rule:default", "List tasks."),
    Rule::new("add_task", "rule:default", "Create a task."),
    Rule::new("modify_task", "rule:default", "Change a task."),
];
