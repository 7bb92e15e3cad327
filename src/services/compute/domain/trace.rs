//! The boot of a server, step by step: a table of B1 to B16, and what of a request's spans each step is.
//!
//! A step that did not happen (a server without a volume has no B14) is skipped. A step that comes after another is looked for
//! from that one's start on: identity is asked by every service, and only the hop in its place is the step.

use kit::{Span, SpanKind, Timestamp};
use serde::Serialize;

/// The name of the span that stands for the client's authentication.
pub const AUTHENTICATION: &str = "POST /identity/v3/auth/tokens";
/// The name of the span that stands for the client's request.
pub const REQUEST: &str = "POST /compute/v2.1/servers";
/// The name of the span around the checks and the transaction of a create.
pub const CLAIM: &str = "claim quota and insert row";

/// One step of the table.
struct Step {
    name: &'static str,
    service: &'static str,
    from: &'static str,
    to: &'static str,
    kind: SpanKind,
    description: &'static str,
    /// The step from whose start on its spans are looked for.
    after: Option<&'static str>,
    parts: &'static [Part],
}

/// Spans that make a step, or a part of their time.
struct Part {
    names: &'static [&'static str],
    /// Who sent it; anyone when empty. An entry with `!` before it is anyone else.
    from: &'static str,
    time: Time,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    Whole,
    Queued,
    Served,
}

const fn part(names: &'static [&'static str], from: &'static str, time: Time) -> Part {
    Part { names, from, time }
}

const fn step(
    name: &'static str,
    (service, from, to): (&'static str, &'static str, &'static str),
    kind: SpanKind,
    description: &'static str,
    after: Option<&'static str>,
    parts: &'static [Part],
) -> Step {
    Step { name, service, from, to, kind, description, after, parts }
}

use SpanKind::{Call, Cast, Local, Rest};
use Time::{Queued, Served, Whole};

const STEPS: &[Step] = &[
    step(
        "B1",
        ("identity", "client", "identity"),
        Rest,
        "credentials for a token",
        None,
        &[part(&[AUTHENTICATION], "", Whole)],
    ),
    step(
        "B2",
        ("compute-api", "client", "compute-api"),
        Rest,
        "a server is asked for",
        None,
        &[part(&[REQUEST], "", Whole)],
    ),
    step(
        "B3",
        ("identity", "compute-api", "identity"),
        Call,
        "the token is validated, the policy checked",
        Some("B2"),
        &[part(&["ValidateToken"], "!image,network,volume", Whole)],
    ),
    step(
        "B4",
        ("compute-api", "compute-api", "database"),
        Local,
        "conflicts are checked, the row is written",
        Some("B2"),
        &[part(&[CLAIM], "compute-api", Whole)],
    ),
    step(
        "B5",
        ("compute-api", "compute-api", "scheduler"),
        Call,
        "a host is asked for",
        Some("B4"),
        &[part(&["SelectDestinations"], "", Whole)],
    ),
    step(
        "B6",
        ("scheduler", "queue", "scheduler"),
        Call,
        "the request waits in the scheduler's queue",
        Some("B4"),
        &[part(&["SelectDestinations"], "", Queued)],
    ),
    step(
        "B7",
        ("scheduler", "scheduler", "compute"),
        Cast,
        "hosts are filtered and weighed, one is claimed and told",
        Some("B4"),
        &[part(&["SelectDestinations"], "", Served), part(&["BuildInstance"], "", Whole)],
    ),
    step(
        "B8",
        ("compute", "compute", "conductor"),
        Call,
        "the server's data are asked for",
        Some("B7"),
        &[part(&["GetInstance"], "", Whole)],
    ),
    step(
        "B9",
        ("conductor", "conductor", "database"),
        Local,
        "the database is read",
        Some("B7"),
        &[part(&["GetInstance"], "", Served)],
    ),
    step(
        "B10",
        ("compute", "compute", "image"),
        Call,
        "the image is found and fetched",
        Some("B8"),
        &[part(&["GetImage"], "!compute-api", Whole), part(&["fetch image"], "", Whole)],
    ),
    step(
        "B11",
        ("identity", "image", "identity"),
        Call,
        "the image service validates the token",
        Some("B10"),
        &[part(&["ValidateToken"], "image", Whole)],
    ),
    step(
        "B12",
        ("compute", "compute", "network"),
        Call,
        "ports are made, bound and wired",
        Some("B8"),
        &[part(&["AllocateForInstance"], "", Whole), part(&["BindPort"], "", Whole)],
    ),
    step(
        "B13",
        ("identity", "network", "identity"),
        Call,
        "the network service validates the token",
        Some("B12"),
        &[part(&["ValidateToken"], "network", Whole)],
    ),
    step(
        "B14",
        ("compute", "compute", "volume"),
        Call,
        "volumes are attached",
        Some("B8"),
        &[part(&["AttachVolume"], "", Whole)],
    ),
    step(
        "B15",
        ("identity", "volume", "identity"),
        Call,
        "the volume service validates the token",
        Some("B14"),
        &[part(&["ValidateToken"], "volume", Whole)],
    ),
    step(
        "B16",
        ("compute", "compute", "hypervisor"),
        Local,
        "the guest is defined and started",
        Some("B8"),
        &[part(&["spawn"], "", Whole)],
    ),
];

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `B1`, ….
    pub step: &'static str,
    /// Who did it.
    pub service: &'static str,
    /// Who asked.
    pub from: &'static str,
    /// Whom.
    pub to: &'static str,
    /// How.
    pub kind: SpanKind,
    /// What it is.
    pub description: &'static str,
    /// What happened; nothing where it was skipped.
    pub done: Option<Done>,
}

/// When a step happened and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// Why it failed, where it did.
    pub error: Option<String>,
}

/// The sixteen steps, filled in from a request's spans.
#[must_use]
pub fn lines(spans: &[Span]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::with_capacity(STEPS.len());
    for step in STEPS {
        let anchor = step.after.and_then(|name| lines.iter().find(|line| line.step == name));
        let from = anchor.and_then(|line| line.done.as_ref()).map(|done| done.started_at);
        let done = if step.after.is_some() && from.is_none() { None } else { fill(step, spans, from) };
        let &Step { name, service, from, to, kind, description, .. } = step;
        lines.push(Line { step: name, service, from, to, kind, description, done });
    }
    lines
}

fn fill(step: &Step, spans: &[Span], not_before: Option<Timestamp>) -> Option<Done> {
    let mut done: Option<Done> = None;
    for part in step.parts {
        let mut found: Vec<&Span> = spans.iter().filter(|span| part.takes(span, not_before)).collect();
        found.sort_by_key(|span| span.started_at);
        // A hop that only one service makes for itself is the first; what is done for each port or disk is all of them.
        let many = matches!(part.names, ["BindPort"] | ["AttachVolume"] | ["fetch image"] | ["AllocateForInstance"]);
        for span in found.into_iter().take(if many { usize::MAX } else { 1 }) {
            let micros = part.micros(span);
            let total = done.get_or_insert(Done { started_at: span.started_at, micros: 0, error: None });
            total.micros = total.micros.saturating_add(micros);
            total.error = total.error.take().or_else(|| span.error.clone());
        }
    }
    done
}

impl Part {
    fn takes(&self, span: &Span, not_before: Option<Timestamp>) -> bool {
        let sender = match self.from.strip_prefix('!') {
            Some(others) => !others.split(',').any(|other| other == span.from),
            None => self.from.is_empty() || span.from == self.from,
        };
        sender && self.names.contains(&span.name.as_str()) && not_before.is_none_or(|at| span.started_at >= at)
    }

    fn micros(&self, span: &Span) -> u64 {
        match self.time {
            Time::Whole => span.micros,
            Time::Queued => span.queued_micros,
            Time::Served => span.served_micros,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: &str, name: &str, at: i64, micros: u64) -> Span {
        Span {
            from: from.to_owned(),
            to: String::new(),
            name: name.to_owned(),
            kind: SpanKind::Call,
            started_at: kit::time::from_micros(at),
            micros,
            queued_micros: 2,
            served_micros: micros.saturating_sub(3),
            error: None,
        }
    }

    fn boot() -> Vec<Span> {
        vec![
            span("client", AUTHENTICATION, 0, 40),
            span("compute-api", "ValidateToken", 101, 5),
            span("image", "ValidateToken", 111, 6),
            span("compute-api", "GetImage", 110, 8),
            span("network", "ValidateToken", 121, 7),
            span("compute-api", CLAIM, 108, 30),
            span("compute-api", "SelectDestinations", 140, 20),
            span("scheduler", "BuildInstance", 150, 1),
            span("client", REQUEST, 100, 80),
            span("compute", "GetInstance", 170, 9),
            span("compute", "GetInstance", 300, 90),
            span("compute", "GetImage", 180, 10),
            span("image", "ValidateToken", 181, 4),
            span("compute", "fetch image", 191, 100),
            span("compute", "AllocateForInstance", 295, 11),
            span("network", "ValidateToken", 296, 3),
            span("compute", "BindPort", 310, 12),
            span("compute", "BindPort", 330, 12),
            span("compute", "spawn", 350, 500),
        ]
    }

    #[test]
    fn every_hop_finds_its_step() {
        let table: Vec<String> = lines(&boot())
            .iter()
            .map(|line| {
                let done = line.done.as_ref().map_or("-".to_owned(), |done| {
                    format!("{} {}", kit::time::to_micros(done.started_at), done.micros)
                });
                format!("{:4}{} → {}: {done}", line.step, line.from, line.to)
            })
            .collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        B1  client → identity: 0 40
        B2  client → compute-api: 100 80
        B3  compute-api → identity: 101 5
        B4  compute-api → database: 108 30
        B5  compute-api → scheduler: 140 20
        B6  queue → scheduler: 140 2
        B7  scheduler → compute: 140 18
        B8  compute → conductor: 170 9
        B9  conductor → database: 170 6
        B10 compute → image: 180 110
        B11 image → identity: 181 4
        B12 compute → network: 295 35
        B13 network → identity: 296 3
        B14 compute → volume: -
        B15 volume → identity: -
        B16 compute → hypervisor: 350 500
        ");
    }

    #[test]
    fn nothing_recorded_means_everything_skipped() {
        assert!(lines(&[]).iter().all(|line| line.done.is_none()));
        assert_eq!(lines(&[]).len(), 16);
    }
}
