//! `vm console`, `vm log`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Bytes;

use super::action;
use super::escape::Escape;
use crate::cli::output::text;
use crate::cli::problem::Result;
use crate::cli::resolve::VM;
use crate::cli::session::Session;
use crate::cli::socket;
use crate::cli::terminal::Changed;

/// The options of `vm console`.
#[derive(Debug, Args)]
pub struct Console {
    /// Name or id
    vm: String,
    /// Print the address of a console instead: of the screen, for a browser, or of the serial one
    #[arg(long, value_enum, value_name = "WHICH", num_args = 0..=1, default_missing_value = "screen")]
    url: Option<Which>,
}

/// A console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// The screen, for a browser.
    Screen,
    /// The serial console, a WebSocket.
    Serial,
}

/// The options of `vm log`.
#[derive(Debug, Args)]
pub struct Log {
    /// Name or id
    vm: String,
    /// The last LINES lines only
    #[arg(short = 'n', long, value_name = "LINES")]
    lines: Option<u32>,
    /// Go on with what is written from now on, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
}

impl Console {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let id = VM.find_id(&session.client, &self.vm).await?;
        let console = remote(session, &id, self.url.unwrap_or(Which::Serial)).await?;
        if session.out.is_data() {
            return session.out.show(&console, &[]);
        }
        let url = text(&console, "/url");
        if self.url.is_some() {
            return session.out.raw(&(url + "\n"));
        }
        let socket = session.client.socket(&url).await?;
        session.out.note(&format!("This is the serial console of {}; Enter ~ . leaves it.", self.vm));
        let mut escape = Escape::new();
        let _raw = Changed::raw()?;
        let (input, output) = socket::standard()?;
        socket::carry(socket, Bytes::new(), input, output, |typed| escape.filter(typed)).await
    }
}

async fn remote(session: &Session, id: &str, which: Which) -> Result<Value> {
    let (protocol, kind) = match which {
        Which::Screen => ("vnc", "novnc"),
        Which::Serial => ("serial", "serial"),
    };
    let path = format!("{}/remote-consoles", VM.path_of(id));
    let body = json!({ "remote_console": { "protocol": protocol, "type": kind } });
    let answer = session.client.post(VM.service, &path, &body).await?;
    Ok(answer.get("remote_console").cloned().unwrap_or_default())
}

impl Log {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let id = VM.find_id(&session.client, &self.vm).await?;
        let mut seen = read(session, &id, self.lines).await?;
        session.out.raw(&seen)?;
        if !self.follow {
            let ended = seen.is_empty() || seen.ends_with('\n');
            return if ended { Ok(()) } else { session.out.raw("\n") };
        }
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = read(session, &id, None).await?;
            session.out.raw(news(&seen, &now))?;
            seen = now;
        }
    }
}

/// The serial console's log.
///
/// # Errors
/// What the cloud answers.
pub(super) async fn read(session: &Session, id: &str, lines: Option<u32>) -> Result<String> {
    let length = lines.map_or_else(|| json!({}), |lines| json!({ "length": lines }));
    let answer = action(session, id, &json!({ "os-getConsoleOutput": length })).await?;
    Ok(text(&answer, "/output"))
}

/// How much of the end of what was seen is looked for in what there is now.
const OVERLAP: usize = 512;

/// What `now` has after the end of `seen`. `now` may have lost its beginning; and all of it is new after the guest's log was begun anew.
fn news<'a>(seen: &str, now: &'a str) -> &'a str {
    if let Some(rest) = now.strip_prefix(seen) {
        return rest;
    }
    let mut start = seen.len().saturating_sub(OVERLAP);
    while !seen.is_char_boundary(start) {
        start += 1;
    }
    let tail = seen.get(start..).unwrap_or_default();
    match now.rfind(tail) {
        Some(at) => now.get(at + tail.len()..).unwrap_or_default(),
        None => now,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::news;

    #[test]
    fn only_the_new_is_printed() {
        assert_eq!(news("", "a\n"), "a\n");
        assert_eq!(news("a\n", "a\nb\n"), "b\n");
        assert_eq!(news("a\nb\n", "a\nb\n"), "");
        assert_eq!(news("long gone\n", "fresh boot\n"), "fresh boot\n");
    }

    proptest! {
        #[test]
        fn a_log_that_loses_its_beginning_is_followed(
            seen in proptest::collection::vec("[a-z0-9ü]{20,40}\n", 40..60),
            new in "[a-z \n]{0,200}",
            lost in 0usize..10,
        ) {
            let now = seen[lost..].concat() + &new;
            prop_assert_eq!(news(&seen.concat(), &now), new);
        }
    }
}
