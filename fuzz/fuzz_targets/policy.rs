//! The operator's policy file, put over identity's rules.
#![no_main]

use http_kit::policy::{Overrides, Policy, Scopes};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(overrides) = Overrides::parse(text) {
        let _ = Policy::compile(&[identity::RULES], Scopes::ANY, &overrides);
    }
});
