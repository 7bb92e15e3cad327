//! What `vm create` takes when it is not told: an image, a flavor, a network, a key.

use std::cmp::Reverse;

use serde_json::{Value, json};

use crate::cli::catalog::Service;
use crate::cli::local_keys;
use crate::cli::output::text;
use crate::cli::problem::{Problem, Result};
use crate::cli::session::Session;

/// The name of the network that cloudbox makes at first start.
const DEFAULT_NETWORK: &str = "default";
const GIB: u64 = 1 << 30;

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// The only active image, or the newest of several.
///
/// # Errors
/// When there is none.
pub fn image(images: Vec<Value>) -> Result<Value> {
    let active = images.into_iter().filter(|image| text(image, "/status") == "active");
    active.min_by_key(|image| (Reverse(text(image, "/created_at")), text(image, "/id"))).ok_or_else(|| {
        Problem::not_found("there is no image to boot from")
            .hint("`cloudbox image pull debian-13` gets one; `cloudbox image catalog` lists others")
    })
}

/// The least disk, in GiB, that `image` needs.
#[must_use]
pub fn disk_of(image: &Value) -> u64 {
    let bytes = number(image, "/virtual_size").max(number(image, "/size"));
    number(image, "/min_disk").max(bytes.div_ceil(GIB))
}

/// The smallest of `flavors` that `image` fits. With `on_volume` the disk is not the flavor's.
///
/// # Errors
/// When there is none.
pub fn flavor(flavors: Vec<Value>, image: &Value, on_volume: bool) -> Result<Value> {
    if flavors.is_empty() {
        return Err(Problem::not_found("there is no flavor").hint("`cloudbox flavor create` makes one"));
    }
    let (disk, ram) = (disk_of(image), number(image, "/min_ram"));
    let fits = |flavor: &Value| {
        // A flavor with a disk of 0 takes an image's own size.
        let room = number(flavor, "/disk");
        number(flavor, "/ram") >= ram && (on_volume || room == 0 || room >= disk)
    };
    let size = |flavor: &Value| {
        (number(flavor, "/ram"), number(flavor, "/vcpus"), number(flavor, "/disk"), text(flavor, "/name"))
    };
    flavors.into_iter().filter(fits).min_by_key(size).ok_or_else(|| {
        let text = format!(
            "no flavor fits the image {}: it needs {disk} GiB of disk and {ram} MiB of memory",
            text(image, "/name")
        );
        Problem::not_found(text).hint("`cloudbox flavor create` makes one; --boot-volume-size boots from a volume")
    })
}

/// The network named `default`, or the only one.
///
/// # Errors
/// When there is none, or when several could be meant.
pub fn network(networks: Vec<Value>) -> Result<Value> {
    let mut inner: Vec<Value> =
        networks.into_iter().filter(|network| network.get("router:external") != Some(&Value::Bool(true))).collect();
    if let Some(index) = inner.iter().position(|network| text(network, "/name") == DEFAULT_NETWORK) {
        return Ok(inner.swap_remove(index));
    }
    if inner.len() > 1 {
        let names: Vec<String> = inner.iter().map(|network| text(network, "/name")).collect();
        return Err(Problem::usage(format!("several networks could be meant: {}", names.join(", ")))
            .hint("say which with --network"));
    }
    inner.pop().ok_or_else(|| {
        Problem::not_found("there is no network")
            .hint("`cloudbox network create NAME --subnet CIDR` makes one; --network none does without")
    })
}

/// The name of the only key, or of the user's own among several.
///
/// # Errors
/// When several could be meant.
fn known_key(keys: &[String], user: Option<&str>) -> Result<Option<String>> {
    if let [only] = keys {
        return Ok(Some(only.clone()));
    }
    if let Some(own) = keys.iter().find(|key| Some(key.as_str()) == user) {
        return Ok(Some(own.clone()));
    }
    if keys.is_empty() {
        return Ok(None);
    }
    Err(Problem::usage(format!("several keys could be meant: {}", keys.join(", "))).hint("say which with --key"))
}

/// The name of the user's key, which is uploaded when there is none yet. `None` where the user has no key at all.
///
/// # Errors
/// When several could be meant, or the upload fails.
pub async fn key(session: &Session) -> Result<Option<String>> {
    let keys = session.client.list(Service::Compute, "/os-keypairs", "keypairs").await?;
    let keys: Vec<String> = keys.iter().map(|key| text(key, "/keypair/name")).collect();
    let user = local_keys::user_name();
    if let Some(key) = known_key(&keys, user.as_deref())? {
        return Ok(Some(key));
    }
    let Some((path, public)) = local_keys::own_public_key() else {
        session.out.note("no key: there is none in the cloud or in ~/.ssh (`cloudbox keypair create NAME` makes one)");
        return Ok(None);
    };
    let name = user.unwrap_or_else(|| "default".to_owned());
    let body = json!({ "keypair": { "name": name, "type": "ssh", "public_key": public } });
    session.client.post(Service::Compute, "/os-keypairs", &body).await?;
    session.out.note(&format!("uploaded {} as the key {name}", path.display()));
    Ok(Some(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cli::problem::Kind;

    #[test]
    fn the_newest_active_image_is_taken() {
        let image_of = |name: &str, status: &str, at: &str| json!({"name": name, "status": status, "created_at": at});
        let images = vec![
            image_of("old", "active", "2026-01-01T00:00:00Z"),
            image_of("new", "active", "2026-02-01T00:00:00Z"),
            image_of("newer", "queued", "2026-03-01T00:00:00Z"),
        ];
        assert_eq!(text(&image(images).unwrap(), "/name"), "new");
        assert_eq!(image(vec![]).unwrap_err().kind, Kind::NotFound);
    }

    #[test]
    fn the_default_network_or_the_only_one_is_taken() {
        let net = |name: &str, external: bool| json!({"name": name, "router:external": external});
        let name = |networks| network(networks).map(|network| text(&network, "/name"));
        assert_eq!(name(vec![net("a", false), net("default", false)]).unwrap(), "default");
        assert_eq!(name(vec![net("out", true), net("a", false)]).unwrap(), "a");
        assert_eq!(name(vec![net("out", true)]).unwrap_err().kind, Kind::NotFound);
        let several = name(vec![net("a", false), net("b", false)]).unwrap_err();
        assert_eq!(several.text, "several networks could be meant: a, b");
    }

    #[test]
    fn the_only_key_or_ones_own_is_taken() {
        let keys = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(known_key(&keys(&[]), Some("ann")).unwrap(), None);
        assert_eq!(known_key(&keys(&["demo"]), Some("ann")).unwrap().as_deref(), Some("demo"));
        assert_eq!(known_key(&keys(&["demo", "ann"]), Some("ann")).unwrap().as_deref(), Some("ann"));
        assert_eq!(known_key(&keys(&["demo", "bob"]), Some("ann")).unwrap_err().kind, Kind::Usage);
    }

    #[test]
    fn an_image_needs_its_virtual_size() {
        assert_eq!(disk_of(&json!({"virtual_size": GIB + 1, "size": 5, "min_disk": 1})), 2);
        assert_eq!(disk_of(&json!({"virtual_size": null, "size": 5, "min_disk": 0})), 1);
        assert_eq!(disk_of(&json!({"size": 5, "min_disk": 40})), 40);
    }

    fn a_flavor() -> impl Strategy<Value = Value> {
        (0u64..4096, 1u64..8, 0u64..30, 0u32..1000).prop_map(
            |(ram, vcpus, disk, n)| json!({"name": format!("f{n}"), "ram": ram, "vcpus": vcpus, "disk": disk}),
        )
    }

    proptest! {
        #[test]
        fn the_flavor_fits_and_no_smaller_one_does(
            flavors in proptest::collection::vec(a_flavor(), 0..12),
            (size, min_disk, min_ram) in (0u64..30 * GIB, 0u64..30, 0u64..4096),
            on_volume: bool,
        ) {
            let image = json!({"name": "i", "virtual_size": size, "size": 1, "min_disk": min_disk, "min_ram": min_ram});
            let fits = |f: &Value| {
                number(f, "/ram") >= min_ram && (on_volume || number(f, "/disk") == 0
                    || (number(f, "/disk") >= min_disk && number(f, "/disk") * GIB >= size))
            };
            match flavor(flavors.clone(), &image, on_volume) {
                Ok(chosen) => {
                    prop_assert!(fits(&chosen));
                    prop_assert!(flavors.iter().filter(|f| fits(f)).all(|f| number(f, "/ram") >= number(&chosen, "/ram")));
                }
                Err(_) => prop_assert!(!flavors.iter().any(fits)),
            }
        }
    }
}
