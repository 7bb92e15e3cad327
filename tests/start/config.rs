//! `cloudbox config`: mistakes with their lines, and where each value is from.

use crate::cloud::Place;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn all_mistakes_at_once_and_nothing_where_there_is_none() {
    let place = Place::new();
    std::fs::write(place.config(), "[api]\nlissten = '127.0.0.1:1'\nmax_connections = 0\n").unwrap();
    let file = place.config().display().to_string();
    let output = place.cloudbox(&["config", "check", &file]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    for line in [
        format!("{file}:2:1: api.lissten is no setting; did you mean api.listen?"),
        format!("{file}:3:1: api.max_connections = 0 is not valid: use 1 to 1000000"),
    ] {
        assert!(said.contains(&line), "{line:?} in {said}");
    }
    place.configure("127.0.0.1", "");
    let output = place.cloudbox(&["config", "check", &file]).output().unwrap();
    assert!(output.status.success() && text(&output.stdout).contains("nothing is wrong"), "{}", text(&output.stderr));
    let missing = place.cloudbox(&["config", "check", "/nowhere.toml"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(2), "{}", text(&missing.stderr));
}

#[test]
fn each_value_says_where_it_is_from() {
    let place = Place::new();
    place.configure("127.0.0.1", "network.mtu = 1400");
    let file = place.config().display().to_string();
    let show = |words: &[&str]| {
        let output = place.cloudbox(&[&["config", "show", "--config", &file][..], words].concat()).output().unwrap();
        (output.status.code(), text(&output.stdout))
    };
    let (code, shown) = show(&["-o", "json", "--data-dir", "/d"]);
    assert_eq!(code, Some(0), "{shown}");
    let rows: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let find = |key: &str| rows.as_array().unwrap().iter().find(|row| row["key"] == key).unwrap().clone();
    assert_eq!(
        find("network.mtu"),
        serde_json::json!({"key": "network.mtu", "value": 1400, "from": format!("{file}:5")})
    );
    assert_eq!(find("data_dir")["from"], "command line");
    assert_eq!(
        find("bus.queue_length"),
        serde_json::json!({"key": "bus.queue_length", "value": 4096, "from": "default"})
    );
    let (_, table) = show(&["api.tls"]);
    assert!(table.contains("api.tls.mode") && !table.contains("api.listen"), "{table}");
    assert_eq!(show(&["nonsense"]).0, Some(3));
}
