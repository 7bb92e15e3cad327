//! `cloudbox audit`: the record of logins and changes. The API is cloudbox's own, `GET /cloudbox/v1/audit`.

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::catalog::Service;
use super::client::escape;
use super::output::{Column, column, text};
use super::problem::Result;
use super::session::Session;

/// The most records that the cloud gives at once.
const PAGE: usize = 1000;

/// The record of logins and changes, the newest first
#[derive(Debug, Args)]
pub struct Audit {
    /// Only what this user did: a name or an id
    #[arg(long)]
    user: Option<String>,
    /// Only what was done with a token for this project: a name or an id
    #[arg(long)]
    project: Option<String>,
    /// Only this: create, update, delete, authenticate, or an action such as update/os-start
    #[arg(long)]
    action: Option<String>,
    /// Only what came of it
    #[arg(long, value_parser = ["success", "failure"])]
    outcome: Option<String>,
    /// Only of this service: compute, nova, …
    #[arg(long)]
    service: Option<String>,
    /// Only what was done to this: an id or a name
    #[arg(long)]
    target: Option<String>,
    /// Only this request
    #[arg(long, value_name = "REQUEST-ID")]
    request: Option<String>,
    /// Only since then: 90s, 30m, 1h, 2d ago, or a time such as 2026-11-22T18:40:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only before then, in the same forms
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// How many at most; 0 for all
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

const LIST: &[Column] = &[
    column("Time", |event| text(event, "/eventTime").chars().take(19).collect::<String>().replace('T', " ")),
    column("Result", |event| text(event, "/reason/reasonCode")),
    column("Action", |event| text(event, "/action")),
    column("User", |event| name(event, "/initiator")),
    column("Project", |event| text(event, "/initiator/project_name")),
    column("What", |event| text(event, "/target/typeURI").trim_start_matches("service/").to_owned()),
    column("Which", |event| name(event, "/target")),
    column("From", |event| text(event, "/initiator/host/address")),
    column("Request", |event| text(event, "/request_id")),
];

impl Audit {
    /// Does it.
    ///
    /// # Errors
    /// What keeps it from being done.
    pub async fn run(self, session: &Session) -> Result<()> {
        let mut events = Vec::new();
        let mut path = Some(self.path());
        while let Some(next) = path.take() {
            let mut page = session.client.get(Service::Cloudbox, &next).await?;
            if let Some(Value::Array(found)) = page.get_mut("events").map(Value::take) {
                events.extend(found);
            }
            let wanted = self.limit == 0 || events.len() < self.limit;
            let link = page.get("next").and_then(Value::as_str).filter(|_| wanted);
            path = link.and_then(|link| link.split_once('?')).map(|(_, query)| format!("/audit?{query}"));
        }
        if self.limit > 0 {
            events.truncate(self.limit);
        }
        session.out.list(&events, LIST)
    }

    fn path(&self) -> String {
        let limit = if self.limit == 0 { PAGE } else { self.limit.min(PAGE) };
        let filters = [
            ("user", self.user.clone()),
            ("project", self.project.clone()),
            ("action", self.action.clone()),
            ("outcome", self.outcome.clone()),
            ("service", self.service.clone()),
            ("target", self.target.clone()),
            ("request_id", self.request.clone()),
            ("since", self.since.map(|at| at.to_string())),
            ("until", self.until.map(|at| at.to_string())),
        ];
        let given = filters.iter().filter_map(|(name, value)| Some(format!("&{name}={}", escape(value.as_deref()?))));
        format!("/audit?limit={limit}{}", given.collect::<String>())
    }
}

/// The name where it is known, else the id.
fn name(event: &Value, pointer: &str) -> String {
    let name = text(event, &format!("{pointer}/name"));
    if name.is_empty() { text(event, &format!("{pointer}/id")) } else { name }
}

/// `1h` ago, or a moment that is told.
fn moment(text: &str) -> std::result::Result<Timestamp, String> {
    ago(text)
        .and_then(|ago| Timestamp::now().checked_sub(ago).ok())
        .or_else(|| text.parse().ok())
        .ok_or_else(|| "use 90s, 30m, 1h, 2d or a time such as 2026-11-22T18:40:00Z".to_owned())
}

fn ago(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().next_back()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok().filter(|number| *number >= 0)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    Some(SignedDuration::from_secs(number.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_two_ways() {
        assert_eq!(ago("90s"), Some(SignedDuration::from_secs(90)));
        assert_eq!(ago("2d"), Some(SignedDuration::from_hours(48)));
        assert_eq!(ago("-1h"), None);
        assert_eq!(moment("2026-11-22T18:40:00Z").unwrap().to_string(), "2026-11-22T18:40:00Z");
        for wrong in ["", "h", "yesterday", "1w", "99999999999999999d"] {
            moment(wrong).unwrap_err();
        }
    }

    #[test]
    fn filters_become_a_query() {
        let audit = Audit {
            user: Some("älice".to_owned()),
            project: None,
            action: None,
            outcome: Some("failure".to_owned()),
            service: None,
            target: None,
            request: Some("req-1".to_owned()),
            since: Some("2026-11-22T18:40:00Z".parse().unwrap()),
            until: None,
            limit: 5,
        };
        assert_eq!(
            audit.path(),
            "/audit?limit=5&user=%C3%A4lice&outcome=failure&request_id=req-1&since=2026-11-22T18%3A40%3A00Z"
        );
    }
}
