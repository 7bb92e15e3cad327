//! Who may do what with metadata definitions.

use http_kit::Rule;

const ADMIN: &str = "rule:metadef_admin";
const READER: &str = "rule:context_is_admin or (role:reader and project_id:%(project_id)s)";
const SEES: &str = "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))";

/// See the module.
pub const RULES: &[Rule] = &[
    Rule::new("metadef_default", "", "What every token may do."),
    Rule::new("metadef_admin", "rule:context_is_admin", "Who keeps the definitions."),
    Rule::new("get_metadef_namespace", SEES, "Show a namespace."),
    Rule::new("get_metadef_namespaces", READER, "List namespaces."),
    Rule::new("modify_metadef_namespace", ADMIN, "Change a namespace."),
    Rule::new("add_metadef_namespace", ADMIN, "Make a namespace."),
    Rule::new("delete_metadef_namespace", ADMIN, "Delete a namespace, or all objects, properties or tags in it."),
    Rule::new("get_metadef_object", SEES, "Show an object."),
    Rule::new("get_metadef_objects", SEES, "List a namespace's objects."),
    Rule::new("modify_metadef_object", ADMIN, "Change an object."),
    Rule::new("add_metadef_object", ADMIN, "Make an object."),
    Rule::new("delete_metadef_object", ADMIN, "Delete an object."),
    Rule::new("list_metadef_resource_types", SEES, "List resource types, and a namespace's associations with them."),
    Rule::new("get_metadef_resource_type", SEES, "See one association in such a list."),
    Rule::new("add_metadef_resource_type_association", ADMIN, "Associate a namespace with a resource type."),
    Rule::new("remove_metadef_resource_type_association", ADMIN, "Take such an association away."),
    Rule::new("get_metadef_property", SEES, "Show a property."),
    Rule::new("get_metadef_properties", SEES, "List a namespace's properties."),
    Rule::new("modify_metadef_property", ADMIN, "Change a property."),
    Rule::new("add_metadef_property", ADMIN, "Make a property."),
    Rule::new("remove_metadef_property", ADMIN, "Delete a property."),
    Rule::new("get_metadef_tag", SEES, "Show a tag."),
    Rule::new("get_metadef_tags", SEES, "List a namespace's tags."),
    Rule::new("modify_metadef_tag", ADMIN, "Rename a tag."),
    Rule::new("add_metadef_tag", ADMIN, "Make a tag."),
    Rule::new("add_metadef_tags", ADMIN, "Make several tags."),
    Rule::new("delete_metadef_tag", ADMIN, "Delete a tag."),
    Rule::new("delete_metadef_tags", ADMIN, "Delete all tags of a namespace."),
];
