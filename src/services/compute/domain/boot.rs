//! Whether a server can boot: image against flavor and root disk, volumes, the availability zone's text.

use bus::topics::compute_types::{BlockDestination, BlockDevice, FlavorSpec};
use bus::topics::image::Image;
use kit::Fault;
use kit::ids::HostId;

/// The only availability zone that hosts are in.
pub const DEFAULT_ZONE: &str = "nova";
const GIB: u64 = 1 << 30;

/// Whether `image` fits `flavor`, or the volume `root` that it is to fill.
///
/// # Errors
/// A 400 in Nova's words; a 403 where a flavor without a disk would take the image's size unasked.
pub fn check_image(
    image: &Image,
    flavor: &FlavorSpec,
    root: Option<&BlockDevice>,
    may_zero_disk: bool,
) -> Result<(), Fault> {
    if image.status != "active" {
        return Err(Fault::bad_request(format!("Image {} is not active.", image.id)));
    }
    if flavor.ram_mb < image.min_ram_mb {
        return Err(Fault::bad_request("Flavor's memory is too small for requested image."));
    }
    let min_disk = image.min_disk_gb * GIB;
    if let Some(root) = root.filter(|root| root.destination == BlockDestination::Volume) {
        return match root.size_gb.map(|size| size * GIB) {
            Some(size) if min_disk > size => Err(Fault::bad_request(format!(
                "Volume is smaller than the minimum size specified in image metadata. Volume size is {size} bytes, minimum \
                 size is {min_disk} bytes."
            ))),
            _ => Ok(()),
        };
    }
    check_local_disk(image, flavor.disk_gb * GIB, min_disk, may_zero_disk)
}

fn check_local_disk(image: &Image, disk: u64, min_disk: u64, may_zero_disk: bool) -> Result<(), Fault> {
    if disk == 0 {
        let refusal = "Only volume-backed servers are allowed for flavors with zero disk.";
        return if may_zero_disk { Ok(()) } else { Err(Fault::forbidden(refusal)) };
    }
    // Nova looks at the file's size alone and lets the build fail; the disk inside is what has to fit.
    let size = image.size_bytes.max(image.virtual_size_bytes.unwrap_or(0));
    if size > disk {
        return Err(Fault::bad_request(format!(
            "Flavor's disk is too small for requested image. Flavor disk is {disk} bytes, image is {size} bytes."
        )));
    }
    if min_disk > disk {
        return Err(Fault::bad_request(format!(
            "Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is {disk} bytes, \
             minimum size is {min_disk} bytes."
        )));
    }
    Ok(())
}

/// What `availability_zone` asks for: a zone, and for administrators a host: `zone:host`, `zone:host:node`, `zone::node`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// The zone.
    pub zone: Option<String>,
    /// The host. A node is a host of the same name here.
    pub host: Option<HostId>,
}

impl Placement {
    /// Reads `text`.
    ///
    /// # Errors
    /// A 400 where there are too many colons.
    pub fn parse(text: Option<&str>) -> Result<Self, Fault> {
        let Some(text) = text else { return Ok(Self::default()) };
        let parts: Vec<&str> = text.split(':').collect();
        let (zone, host) = match parts.as_slice() {
            [zone] => (*zone, None),
            [zone, host] => (*zone, Some(*host)),
            [zone, host, node] => (*zone, Some(if host.is_empty() { *node } else { *host })),
            _ => {
                return Err(Fault::bad_request("Invalid input received: Unable to parse availability_zone"));
            }
        };
        Ok(Self {
            zone: Some(zone).filter(|zone| !zone.is_empty()).map(str::to_owned),
            host: host.filter(|host| !host.is_empty()).map(HostId::from),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn image() -> Image {
        Image {
            id: "i".into(),
            name: None,
            status: "active".into(),
            owner: None,
            disk_format: None,
            container_format: None,
            size_bytes: 1,
            virtual_size_bytes: None,
            min_disk_gb: 0,
            min_ram_mb: 0,
            sha512: None,
            properties: BTreeMap::new(),
            location: None,
        }
    }

    fn flavor() -> FlavorSpec {
        FlavorSpec {
            id: "1".into(),
            name: "m1".into(),
            vcpus: 1,
            ram_mb: 64,
            disk_gb: 1,
            ephemeral_gb: 0,
            swap_mb: 0,
            extra_specs: BTreeMap::new(),
        }
    }

    fn refused(image: &Image) -> String {
        check_image(image, &flavor(), None, false).unwrap_err().message().to_owned()
    }

    #[test]
    fn what_does_not_fit_is_refused_in_novas_words() {
        assert!(check_image(&image(), &flavor(), None, false).is_ok());
        assert_eq!(refused(&Image { status: "queued".into(), ..image() }), "Image i is not active.");
        assert_eq!(refused(&Image { min_ram_mb: 65, ..image() }), "Flavor's memory is too small for requested image.");
        assert_eq!(
            refused(&Image { virtual_size_bytes: Some(2 * GIB), ..image() }),
            "Flavor's disk is too small for requested image. Flavor disk is 1073741824 bytes, image is 2147483648 bytes."
        );
        assert!(refused(&Image { min_disk_gb: 2, ..image() }).starts_with("Flavor's disk is smaller than the minimum"));
        let zero = FlavorSpec { disk_gb: 0, ..flavor() };
        assert_eq!(check_image(&image(), &zero, None, false).unwrap_err().kind(), kit::FaultKind::Forbidden);
    }

    #[test]
    fn a_zone_can_name_a_host() {
        let parse =
            |text| Placement::parse(Some(text)).map(|p| (p.zone.unwrap_or_default(), p.host.map(|h| h.to_string())));
        assert_eq!(parse("nova").unwrap(), ("nova".into(), None));
        assert_eq!(parse("nova:h1").unwrap(), ("nova".into(), Some("h1".into())));
        assert_eq!(parse("nova::n1").unwrap(), ("nova".into(), Some("n1".into())));
        assert_eq!(parse("nova:h1:n1").unwrap(), ("nova".into(), Some("h1".into())));
        assert!(parse("a:b:c:d").is_err());
    }
}
