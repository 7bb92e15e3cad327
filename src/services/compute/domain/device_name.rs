//! Names of disks: `/dev/vda`, `/dev/vdb`, …

/// The most disks that get a name.
const MOST: usize = 26 * 27;

/// `name` with `/dev/` before it.
#[must_use]
pub fn with_dev(name: &str) -> String {
    if name.starts_with("/dev/") { name.to_owned() } else { format!("/dev/{name}") }
}

/// The first name with `prefix` (`vd`, `sd`, …) that is not among `taken`.
#[must_use]
pub fn next<'t>(prefix: &str, taken: impl IntoIterator<Item = &'t str>) -> Option<String> {
    let taken: Vec<&str> = taken.into_iter().map(letters).collect();
    (0..MOST)
        .map(suffix)
        .find(|suffix| !taken.contains(&suffix.as_str()))
        .map(|suffix| format!("/dev/{prefix}{suffix}"))
}

/// `vd` of `/dev/vda`.
#[must_use]
pub fn prefix(name: &str) -> &str {
    let bare = name.strip_prefix("/dev/").unwrap_or(name);
    bare.strip_suffix(letters(name)).filter(|prefix| !prefix.is_empty()).unwrap_or("vd")
}

/// `b` of `/dev/vdb`: what tells disks apart, whatever bus they are on.
fn letters(name: &str) -> &str {
    let bare = name.strip_prefix("/dev/").unwrap_or(name);
    let bare = bare.trim_end_matches(|c: char| c.is_ascii_digit());
    ["xvd", "vd", "sd", "hd"].iter().find_map(|prefix| bare.strip_prefix(prefix)).unwrap_or(bare)
}

/// 0 is `a`, 25 is `z`, 26 is `aa`.
fn suffix(index: usize) -> String {
    let letter = |index: usize| char::from(b'a' + u8::try_from(index % 26).unwrap_or(0));
    match index.checked_sub(26) {
        Some(rest) => [letter(rest / 26), letter(rest)].iter().collect(),
        None => letter(index).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_free_name_is_taken() {
        assert_eq!(next("vd", []).unwrap(), "/dev/vda");
        assert_eq!(next("vd", ["/dev/vda", "/dev/sdb", "/dev/vdd"]).unwrap(), "/dev/vdc");
    }

    #[test]
    fn after_z_comes_aa() {
        let names: Vec<String> = (0..27).map(|index| format!("/dev/vd{}", suffix(index))).collect();
        assert_eq!(names.last().unwrap(), "/dev/vdaa");
        assert_eq!(next("vd", names.iter().map(String::as_str)).unwrap(), "/dev/vdab");
    }

    #[test]
    fn names_come_apart() {
        assert_eq!((prefix("/dev/sda"), prefix("vdb"), prefix("/dev/xvda1")), ("sd", "vd", "vd"));
    }
}
