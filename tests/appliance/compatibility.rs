//! `docs/compatibility.md` is what the endpoint tables say, beside what OpenStack has.
//!
//! `inventory.tsv` lists OpenStack's operations: service, method, path, action. An operation is there when a row of ours has the same
//! method, path (whatever its parameters are called) and action, or when it is a document that is answered without a row.
//! A service that is complete but for some operations says why for each ([`reasons`]).
//! `UPDATE_DOCS=1 cargo test --test appliance compatibility` writes the file anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use http_kit::{Method, compatibility};

use crate::reasons;
use crate::world::World;

const INVENTORY: &str = include_str!("inventory.tsv");

/// Method, path below the listener with `{}` for each parameter, action.
type Operation = (String, String, String);

fn operation(method: &str, path: &str, action: Option<&str>) -> Operation {
    let segment = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    let path = path.split('/').map(segment).collect::<Vec<_>>().join("/");
    (method.to_owned(), path, action.unwrap_or_default().to_owned())
}

/// An operation as OpenStack has it.
struct Wanted {
    service: &'static str,
    method: &'static str,
    path: &'static str,
    action: Option<&'static str>,
}

impl Wanted {
    fn operation(&self) -> Operation {
        operation(self.method, &format!("/{}{}", self.service, self.path), self.action)
    }
}

fn inventory() -> Vec<Wanted> {
    let parse = |line: &'static str| {
        let mut fields = line.split('\t');
        let mut field = || fields.next().unwrap();
        let (service, method, path) = (field(), field(), field());
        Wanted { service, method, path, action: fields.next() }
    };
    INVENTORY.lines().map(parse).collect()
}

/// What the tables have; a row for `GET` answers `HEAD` too.
fn implemented(world: &World) -> BTreeSet<Operation> {
    let rows = world.appliance().api().rows();
    let operations = rows.map(|row| operation(row.method.as_str(), &format!("{}{}", row.prefix, row.path), row.action));
    let mut operations: BTreeSet<Operation> = operations.collect();
    let heads: Vec<_> = operations.iter().filter(|(method, ..)| method == "GET").cloned().collect();
    operations.extend(heads.into_iter().map(|(_, path, action)| ("HEAD".to_owned(), path, action)));
    operations
}

/// Whether `wanted` is a document that is answered without a row, such as a service's versions.
async fn is_answered(world: &World, wanted: &Wanted) -> bool {
    if wanted.path.contains('{') || !matches!(wanted.method, "GET" | "HEAD") {
        return false;
    }
    let method = Method::from_bytes(wanted.method.as_bytes()).unwrap();
    let answer = world.admin.call(method, &format!("/{}{}", wanted.service, wanted.path)).send().await;
    matches!(answer.status, 200 | 300)
}

/// The inventory, and of each operation whether it is there.
async fn compared(world: &World) -> Vec<(Wanted, bool)> {
    let implemented = implemented(world);
    let mut compared = Vec::new();
    for wanted in inventory() {
        let there = implemented.contains(&wanted.operation()) || is_answered(world, &wanted).await;
        compared.push((wanted, there));
    }
    compared
}

/// What is missing of a service, by path and by why, where that is said.
type Missing = BTreeMap<(&'static str, &'static str, &'static str), Vec<&'static str>>;

async fn document(world: &World) -> String {
    let mut counts = BTreeMap::<&str, (usize, usize)>::new();
    let mut missing = Missing::new();
    for (wanted, is_there) in compared(world).await {
        let (there, all) = counts.entry(wanted.service).or_default();
        *all += 1;
        if is_there {
            *there += 1;
        } else {
            let why = reasons::of(wanted.service, wanted.method, wanted.path).unwrap_or_default();
            let operations = missing.entry((wanted.service, wanted.path, why)).or_default();
            operations.push(wanted.action.unwrap_or(wanted.method));
        }
    }
    let mut text = String::from(
        "# Compatibility\n\nWhat of OpenStack's APIs cloudbox answers. Made of the endpoint tables by `tests/appliance/compatibility.rs`; \
         do not edit.\n\n| service | implemented | of OpenStack's operations |\n|---|---|---|\n",
    );
    for (service, (there, all)) in &counts {
        let _ = writeln!(text, "| {service} | {there} | {all} |");
    }
    let _ = write!(text, "\n{}", compatibility::markdown(world.appliance().api()));
    list_missing(&mut text, &missing);
    text
}

fn list_missing(text: &mut String, missing: &Missing) {
    let mut service = "";
    for ((of, path, why), operations) in missing {
        let complete = reasons::COMPLETE.contains(of);
        if *of != service {
            service = of;
            let columns = if complete { "| path | what | why |\n|---|---|---|" } else { "| path | what |\n|---|---|" };
            let _ = write!(text, "\n## Missing: {service}\n\n{columns}\n");
        }
        let why = if complete { format!(" {why} |") } else { String::new() };
        let _ = writeln!(text, "| `{path}` | {} |{why}", operations.join(", "));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_says_what_there_is() {
    let world = World::start().await;
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md");
    let now = document(&world).await;
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, now).unwrap();
        return;
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = now.lines().zip(checked_in.lines()).find(|(now, then)| now != then);
    assert!(now == checked_in, "docs/compatibility.md is out of date (UPDATE_DOCS=1 writes it anew): {difference:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_openstack_does_not_have_is_ours_on_purpose() {
    let world = World::start().await;
    let wanted: BTreeSet<Operation> = inventory().iter().map(Wanted::operation).collect();
    let rows = world.appliance().api().rows();
    let own: BTreeSet<String> = rows
        .filter(|row| {
            !wanted.contains(&operation(row.method.as_str(), &format!("{}{}", row.prefix, row.path), row.action))
        })
        .map(|row| row.name())
        .collect();
    insta::assert_snapshot!(own.into_iter().collect::<Vec<_>>().join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complete_service_says_why_it_misses_what_it_misses() {
    let world = World::start().await;
    let (mut silent, mut needless) = (Vec::new(), Vec::new());
    for (wanted, is_there) in compared(&world).await {
        let reason = reasons::of(wanted.service, wanted.method, wanted.path);
        let name = format!("{} {} {}", wanted.service, wanted.method, wanted.path);
        match (is_there, reason) {
            (true, Some(_)) => needless.push(name),
            (false, None) if reasons::COMPLETE.contains(&wanted.service) => silent.push(name),
            _ => {}
        }
    }
    assert_eq!(silent, Vec::<String>::new(), "neither there nor in reasons.rs");
    assert_eq!(needless, Vec::<String>::new(), "there, and in reasons.rs");
}
