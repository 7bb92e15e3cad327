//! The log of `cloudbox serve`: where it goes (standard error) and in which form.
//!
//! Whatever is logged for a request bears its id: in a line about the request itself, or in the span that stands before the
//! message (`request{request_id=…}`; in JSON, under `spans`).

use std::fmt;
use std::io::IsTerminal as _;

use kit::config::{LogConfig, LogFormat};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// What is logged, over the configuration.
const VARIABLE: &str = "CLOUDBOX_LOG";

/// Changes what is logged, while it is.
pub struct LogLevel(Box<dyn Fn(EnvFilter) -> Result<(), tracing_subscriber::reload::Error> + Send + Sync>);

impl LogLevel {
    /// Logs what `level` says from now on, unless `CLOUDBOX_LOG` says otherwise.
    ///
    /// # Errors
    /// The level is none, in words for the operator.
    pub fn set(&self, level: &str) -> Result<(), String> {
        let filter = filter(level)?;
        (self.0)(filter).map_err(|error| error.to_string())
    }
}

/// What `level` lets through, or `CLOUDBOX_LOG`, where there is one.
fn filter(level: &str) -> Result<EnvFilter, String> {
    let named = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
    let (key, level) = named.as_deref().map_or(("log.level", level), |named| (VARIABLE, named));
    EnvFilter::try_new(level).map_err(|error| {
        let use_this = "use error, warn, info, debug, trace, or directives such as info,http_kit=debug";
        format!("{key} = {level:?} is not valid ({error}): {use_this}")
    })
}

/// Starts the log that `config` describes, in another `format` where one is asked for.
///
/// # Errors
/// The level is none, in words for the operator.
pub fn start(config: &LogConfig, format: Option<LogFormat>) -> Result<LogLevel, String> {
    let filter = filter(&config.level)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let (format, journal) = (format.unwrap_or(config.format), std::env::var("JOURNAL_STREAM").ok());
    Ok(match resolve(format, journal.as_deref(), stderr_stream().as_deref()) {
        LogFormat::Json => {
            let log = log.json().flatten_event(true).with_filter_reloading();
            let handle = log.reload_handle();
            log.init();
            LogLevel(Box::new(move |filter| handle.reload(filter)))
        }
        LogFormat::Journald => {
            let log = log.with_ansi(false).event_format(Journald::new()).with_filter_reloading();
            let handle = log.reload_handle();
            log.init();
            LogLevel(Box::new(move |filter| handle.reload(filter)))
        }
        LogFormat::Auto | LogFormat::Text => {
            let log = log.with_ansi(std::io::stderr().is_terminal()).with_filter_reloading();
            let handle = log.reload_handle();
            log.init();
            LogLevel(Box::new(move |filter| handle.reload(filter)))
        }
    })
}

/// What `auto` means: the journal's form where `journal`, as systemd tells it, is where standard error goes.
fn resolve(format: LogFormat, journal: Option<&str>, stderr: Option<&str>) -> LogFormat {
    match format {
        LogFormat::Auto if journal.is_some() && journal == stderr => LogFormat::Journald,
        LogFormat::Auto => LogFormat::Text,
        other => other,
    }
}

/// Standard error as systemd names streams: device and inode.
fn stderr_stream() -> Option<String> {
    let about = rustix::fs::fstat(std::io::stderr()).ok()?;
    Some(format!("{}:{}", about.st_dev, about.st_ino))
}

/// Lines for the journal: the level as a prefix that it understands (sd-daemon(3)), and no time, which it has itself.
struct Journald(Format<Full, ()>);

impl Journald {
    fn new() -> Self {
        Self(tracing_subscriber::fmt::format().without_time().with_level(false).with_target(false).with_ansi(false))
    }
}

impl<S, N> FormatEvent<S, N> for Journald
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            Level::DEBUG | Level::TRACE => 7,
        };
        write!(writer, "<{priority}>")?;
        self.0.format_event(context, writer, event)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn say() {
        let span = tracing::info_span!("request", request_id = "req-1");
        span.in_scope(|| tracing::warn!(server_id = "s", "it is so"));
        tracing::error!("it is not");
    }

    #[test]
    fn the_journal_is_told_levels_and_requests() {
        let lines = Lines::default();
        let log = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).event_format(Journald::new());
        tracing::subscriber::with_default(log.finish(), say);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "<4>request{request_id=\"req-1\"}: it is so server_id=\"s\"\n<3>it is not\n");
    }

    #[test]
    fn json_has_the_request_too() {
        let lines = Lines::default();
        let log = tracing_subscriber::fmt().with_writer(lines.clone()).json().flatten_event(true);
        tracing::subscriber::with_default(log.finish(), say);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!((&first["message"], &first["level"]), (&"it is so".into(), &"WARN".into()));
        assert_eq!(first["spans"][0]["request_id"], "req-1");
    }

    #[test]
    fn auto_is_the_journal_only_where_it_reads_standard_error() {
        assert_eq!(resolve(LogFormat::Auto, Some("8:1"), Some("8:1")), LogFormat::Journald);
        assert_eq!(resolve(LogFormat::Auto, Some("8:1"), Some("8:2")), LogFormat::Text);
        assert_eq!(resolve(LogFormat::Auto, None, None), LogFormat::Text);
        assert_eq!(resolve(LogFormat::Json, Some("8:1"), Some("8:1")), LogFormat::Json);
    }
}
