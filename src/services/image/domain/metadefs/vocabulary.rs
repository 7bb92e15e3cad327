//! The definitions that come with cloudbox: those of OpenStack's that mean something to compute under libvirt, to images and
//! to volumes. One file per namespace in `metadefs/`, in the form of a request that makes it.
//!
//! Names, types and choices are OpenStack's; all are public here, also the two that are private there for want of a word.

use kit::Fault;

use super::input::NewNamespace;

/// To whom they belong: a word and no project, as in Glance.
pub const OWNER: &str = "admin";

macro_rules! files {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!("../../metadefs/", $name, ".json")))),*] };
}

static FILES: &[(&str, &str)] = files! {
    "aggregate-disk" "aggregate-instances" "aggregate-io-ops" "common-image-properties" "cpu-mode" "cpu-pinning" "cpu-topology"
    "guest-memory-backing" "guest-shutdown" "host-capabilities" "hypervisor" "image-signatures" "instance-data" "libvirt"
    "libvirt-image" "operating-system" "quota" "random-number-generator" "tpm" "tpm-traits" "volume-type" "watchdog"
};

/// All of them.
///
/// # Errors
/// 500 where a file is not what it should be.
pub fn all() -> Result<Vec<NewNamespace>, Fault> {
    let read = |(name, text): &(&str, &str)| {
        serde_json::from_str(text).map_err(|error| Fault::internal(&format!("reading the definitions {name}"), error))
    };
    FILES.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::schemas::{NAMESPACE, check};
    use super::*;

    #[test]
    fn each_file_is_a_request_that_would_be_taken() {
        for (name, text) in FILES {
            check(&NAMESPACE, &serde_json::from_str(text).unwrap())
                .unwrap_or_else(|fault| panic!("{name}: {}", fault.message()));
        }
        let all = all().unwrap();
        all.iter().for_each(|namespace| namespace.check().unwrap());
        let names: BTreeSet<&str> = all.iter().map(|namespace| namespace.namespace.as_str()).collect();
        assert_eq!(names.len(), FILES.len());
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/metadefs")).unwrap().count();
        assert_eq!(files, FILES.len(), "a file in metadefs/ is not loaded");
    }
}
