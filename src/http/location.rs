//! The parts of a request's path that stand before the resource: version, project.

use std::sync::Arc;

use hyper::header;
use hyper::http::request::Parts;

use crate::app::below;
use crate::dialect::Dialect;

/// The path below the version, and whether it was an older one's.
pub(crate) fn versioned<'p>(dialect: &Dialect, path: &'p str) -> Option<(&'p str, bool)> {
    let current = below(path, dialect.version_path).map(|rest| (rest, false));
    let found =
        current.or_else(|| dialect.legacy_paths.iter().find_map(|legacy| below(path, legacy)).map(|rest| (rest, true)));
    found.map(|(rest, legacy)| {
        let rest = if dialect.trailing_slash && rest.len() > 1 { rest.trim_end_matches('/') } else { rest };
        (if rest.is_empty() { "/" } else { rest }, legacy)
    })
}

/// The project id that `path` starts with, where the service allows one, and the rest.
pub(crate) fn split_project<'p>(dialect: &Dialect, path: &'p str) -> (Option<&'p str>, &'p str) {
    let first = path.strip_prefix('/').map(|rest| rest.split_once('/').map_or((rest, ""), |(first, _)| (first, "/")));
    let Some((first, _)) = first.filter(|(first, _)| dialect.project_in_path && is_id(first)) else {
        return (None, path);
    };
    let rest = path.get(first.len() + 1..).unwrap_or_default();
    (Some(first), if rest.is_empty() { "/" } else { rest })
}

/// Whether `text` is a project's id: 32 hexadecimal digits, or a dashed UUID.
fn is_id(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    digits == 32 && (text.len() == 32 || (text.len() == 36 && text.bytes().filter(|byte| *byte == b'-').count() == 4))
}

/// The URL that the client used, where none is configured.
pub(crate) fn url_of(head: &Parts) -> Arc<str> {
    let host = head.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = host.or_else(|| head.uri.authority().map(hyper::http::uri::Authority::as_str));
    Arc::from(format!("http://{}", host.unwrap_or("localhost")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect;

    #[test]
    fn version_and_project_are_taken_off() {
        let id = "0123456789abcdef0123456789abcdef";
        assert_eq!(versioned(&dialect::NOVA, "/v2.1/servers"), Some(("/servers", false)));
        assert_eq!(versioned(&dialect::NOVA, "/v2/servers"), Some(("/servers", true)));
        assert_eq!(versioned(&dialect::NOVA, "/v2.10/servers"), None);
        assert_eq!(versioned(&dialect::NEUTRON, "/v2.0/networks/"), Some(("/networks", false)));
        assert_eq!(versioned(&dialect::PLACEMENT, "/traits"), Some(("/traits", false)));
        assert_eq!(split_project(&dialect::CINDER, &format!("/{id}/volumes/x")), (Some(id), "/volumes/x"));
        assert_eq!(split_project(&dialect::CINDER, &format!("/{id}")), (Some(id), "/"));
        assert_eq!(split_project(&dialect::CINDER, "/volumes/x"), (None, "/volumes/x"));
        assert_eq!(split_project(&dialect::GLANCE, &format!("/{id}/x")).0, None);
    }
}
