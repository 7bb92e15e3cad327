//! A call over the bus, from one task to another.

use std::sync::Arc;
use std::time::Instant;

use bus::topics::identity::{self, ValidateToken};
use bus::{Bus, Options, Target};
use kit::{DomainRef, Identity, RequestContext, Scope, Secret, Timestamp, UserRef};

use crate::figure::{Goal, Report, median_ms};

pub async fn measure(report: &mut Report) {
    if !report.wants("rpc.call") {
        return;
    }
    let bus = Bus::new(Options::default());
    let validated = Arc::new(nobody());
    let answer = move |_, _: ValidateToken| std::future::ready(Ok(validated.clone()));
    let _server = bus.server(identity::TOPIC).on(answer).start();
    let (client, context) = (bus.client("bench"), RequestContext::service("bench"));
    // A service calls from a worker, as a handler does, not from the thread that waits for the end.
    let calling = tokio::spawn(async move {
        let mut times = Vec::new();
        for _ in 0..20_000 {
            let begun = Instant::now();
            client.call(&context, Target::Any, ValidateToken { token: Secret::new("t") }).await.expect("an answer");
            times.push(begun.elapsed());
        }
        times
    });
    let times = calling.await.expect("the calls are made");
    report.add("rpc.call, median", median_ms(times) * 1e3, "µs", Goal::AtMost(20.0));
}

fn nobody() -> Identity {
    let domain = DomainRef { id: "default".into(), name: "Default".to_owned() };
    Identity {
        user: UserRef { id: "u".into(), name: "u".to_owned(), domain, password_expires_at: None },
        scope: Scope::Unscoped,
        basis: kit::Basis::default(),
        roles: Vec::new(),
        methods: Vec::new(),
        audit_ids: Vec::new(),
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::MAX,
        authentication_micros: 0,
    }
}
