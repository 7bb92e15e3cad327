//! Flavors, as clients see them.

use serde_json::{Value, json};

use super::Look;
use super::set;
use crate::db::flavors::Flavor;

/// An entry of `GET /flavors`.
#[must_use]
pub fn basic(look: &Look, flavor: &Flavor) -> Value {
    let id = flavor.spec.id.as_str();
    let mut view = json!({ "id": id, "name": flavor.spec.name, "links": look.links("flavors", id) });
    if look.since(55) {
        set(&mut view, "description", json!(flavor.description));
    }
    view
}

/// A flavor in full; `extra_specs` is whether the caller may see them.
#[must_use]
pub fn detail(look: &Look, flavor: &Flavor, extra_specs: bool) -> Value {
    let spec = &flavor.spec;
    let mut view = basic(look, flavor);
    let no_swap = if look.since(75) { json!(0) } else { json!("") };
    set(&mut view, "ram", json!(spec.ram_mb));
    set(&mut view, "disk", json!(spec.disk_gb));
    set(&mut view, "swap", if spec.swap_mb == 0 { no_swap } else { json!(spec.swap_mb) });
    set(&mut view, "OS-FLV-EXT-DATA:ephemeral", json!(spec.ephemeral_gb));
    set(&mut view, "vcpus", json!(spec.vcpus));
    set(&mut view, "os-flavor-access:is_public", json!(flavor.is_public));
    if !look.since(102) {
        set(&mut view, "OS-FLV-DISABLED:disabled", json!(false));
        set(&mut view, "rxtx_factor", json!(flavor.rxtx_factor));
    }
    if look.since(61) && extra_specs {
        set(&mut view, "extra_specs", json!(spec.extra_specs));
    }
    view
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bus::topics::compute_types::FlavorSpec;
    use http_kit::Microversion;

    use super::*;

    fn fields(minor: u16) -> String {
        let look = Look {
            version: Microversion(2, minor),
            base_url: "http://c/compute/v2.1".into(),
            bookmark_url: "http://c/compute".into(),
        };
        let spec = FlavorSpec {
            id: "1".into(),
            name: "m1.nano".into(),
            vcpus: 1,
            ram_mb: 192,
            disk_gb: 1,
            ephemeral_gb: 0,
            swap_mb: 0,
            extra_specs: BTreeMap::new(),
        };
        let flavor = Flavor { spec, description: None, rxtx_factor: 1.0, is_public: true };
        let view = detail(&look, &flavor, true);
        view.as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| *name != "links")
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn fields_come_and_go_with_the_microversion() {
        insta::assert_snapshot!(fields(1), @r#"OS-FLV-DISABLED:disabled=false OS-FLV-EXT-DATA:ephemeral=0 disk=1 id="1" name="m1.nano" os-flavor-access:is_public=true ram=192 rxtx_factor=1.0 swap="" vcpus=1"#);
        insta::assert_snapshot!(fields(104), @r#"OS-FLV-EXT-DATA:ephemeral=0 description=null disk=1 extra_specs={} id="1" name="m1.nano" os-flavor-access:is_public=true ram=192 swap=0 vcpus=1"#);
    }
}
