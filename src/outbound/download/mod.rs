//! Downloads of what strangers named, with constant memory.
//!
//! * Where it goes is checked by the [`Guard`] for the URL and for each redirect, and the connection is made to the checked address.
//! * A server that falls silent, or all but, is left; one that breaks off, or sends less than it promised, is asked for the rest
//!   (`Range` with `If-Range`), as long as that gets further. What has changed meanwhile begins again.
//! * A [`Mark`] carries on after a restart: whoever keeps the bytes keeps it, too.

mod answer;
mod connect;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::{StatusCode, Uri};
use kit::config::WebDownloadConfig;
use kit::{Fault, FaultKind};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};

use self::answer::{Answer, Read};
use crate::guard::{Guard, Refusal, Resolve, SystemResolver};
use crate::tls::{self, TlsError};

/// How much has to come so that a connection counts as progress, in bytes.
const PROGRESS: u64 = 1 << 20;

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest time for a connection to be made, TLS included.
    pub connect: Duration,
    /// The longest time without noteworthy progress.
    pub stall: Duration,
    /// The most redirects.
    pub redirects: u32,
    /// How often in a row a broken connection is replaced by a new one without noteworthy progress.
    pub attempts: u32,
    /// The pause before the first such replacement; each next one is twice as long.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            stall: Duration::from_secs(30),
            redirects: 5,
            attempts: 5,
            pause: Duration::from_secs(1),
        }
    }
}

/// Why something was not fetched. Its text is for whoever named the URL.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// It may not be fetched.
    #[error("it may not be fetched: {0}")]
    Refused(#[from] Refusal),
    /// No connection.
    #[error("the server could not be reached: {what}")]
    Unreachable {
        /// What went wrong, without the inside's names.
        what: &'static str,
        /// What the system said.
        source: Option<io::Error>,
    },
    /// The server does not hand it out.
    #[error("the server answered {0}")]
    Status(StatusCode),
    /// Redirected too often.
    #[error("it was redirected more than {0} times")]
    Redirects(u32),
    /// The server says something that cannot be.
    #[error("the server's answer makes no sense: {0}")]
    Nonsense(&'static str),
    /// The server fell silent.
    #[error("the server sent (nearly) nothing for {seconds} seconds, after {received} bytes")]
    Stalled {
        /// How long, in seconds.
        seconds: u64,
        /// How much had come.
        received: u64,
    },
    /// The server broke off.
    #[error("the server broke off after {received} of {} bytes", .total.map_or_else(|| "an unknown number of".to_owned(), |total| total.to_string()))]
    CutOff {
        /// How much had come.
        received: u64,
        /// How much it had promised.
        total: Option<u64>,
    },
    /// It is too large.
    #[error("it is larger than the {0} bytes that are allowed")]
    TooLarge(u64),
}

impl DownloadError {
    /// Whether another connection might help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Stalled { .. } | Self::CutOff { .. } => true,
            Self::Status(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            Self::Refused(_) | Self::Redirects(_) | Self::Nonsense(_) | Self::TooLarge(_) => false,
        }
    }
}

impl From<DownloadError> for Fault {
    fn from(error: DownloadError) -> Self {
        let kind = match &error {
            DownloadError::TooLarge(_) => FaultKind::PayloadTooLarge,
            error if error.is_passing() => FaultKind::Unavailable,
            _ => FaultKind::BadRequest,
        };
        Self::new(kind, format!("The URL could not be fetched: {error}.")).caused_by(error)
    }
}

/// Where a download stands; enough to carry on with it later.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mark {
    /// How much has come, in bytes.
    pub received: u64,
    /// What the server named this version of it: an `ETag` or a time. Without, it begins again.
    pub validator: Option<String>,
    /// How much there is in all, in bytes.
    pub total: Option<u64>,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// The next bytes.
    Bytes(Bytes),
    /// All that came before is void: it begins again at its first byte.
    StartOver,
}

/// Makes downloads.
#[derive(Clone)]
pub struct Downloads {
    guard: Arc<Guard>,
    resolver: Arc<dyn Resolve>,
    tls: Arc<ClientConfig>,
    limits: Limits,
}

impl Downloads {
    /// Downloads as `config` allows them.
    ///
    /// # Errors
    /// When its certificates cannot be read.
    pub async fn new(config: &WebDownloadConfig) -> Result<Self, TlsError> {
        let ca_file = (!config.ca_file.as_os_str().is_empty()).then(|| config.ca_file.clone());
        let limits = Limits {
            stall: Duration::from_secs(config.stall_secs),
            redirects: config.max_redirects,
            attempts: config.attempts,
            ..Limits::default()
        };
        let tls = tls::settings(ca_file).await?;
        Ok(Self::with(Guard::from(config), tls, limits, Arc::new(SystemResolver)))
    }

    /// Downloads with parts of one's own.
    #[must_use]
    pub fn with(guard: Guard, tls: ClientConfig, limits: Limits, resolver: Arc<dyn Resolve>) -> Self {
        Self { guard: Arc::new(guard), resolver, tls: Arc::new(tls), limits }
    }

    /// Begins to fetch `url`, of at most `max_bytes`, or carries on at `mark`.
    ///
    /// # Errors
    /// When it may not be fetched, or the server does not hand it out.
    pub async fn start(&self, url: &str, mark: Option<Mark>, max_bytes: u64) -> Result<Download, DownloadError> {
        let url: Uri = url.parse().map_err(|_| Refusal::NotAUrl)?;
        let mut download = Download {
            by: self.clone(),
            location: url.clone(),
            url,
            mark: mark.unwrap_or_default(),
            max_bytes,
            answer: None,
            start_over: false,
            failures: 0,
            noted: 0,
        };
        download.noted = download.mark.received;
        download.ask().await?;
        Ok(download)
    }
}

/// A download under way. Dropped, its connection is closed.
pub struct Download {
    by: Downloads,
    /// As it was named.
    url: Uri,
    /// Where it was found at last.
    location: Uri,
    mark: Mark,
    max_bytes: u64,
    answer: Option<Answer>,
    start_over: bool,
    failures: u32,
    noted: u64,
}

impl Download {
    /// Where it stands: valid for the pieces that were handed out.
    #[must_use]
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// The next piece; none at the end. A call that is dropped half-way ends the download.
    ///
    /// # Errors
    /// When the rest cannot be had.
    pub async fn next(&mut self) -> Result<Option<Piece>, DownloadError> {
        loop {
            if std::mem::take(&mut self.start_over) {
                return Ok(Some(Piece::StartOver));
            }
            let Some(answer) = &mut self.answer else { return Ok(None) };
            let broken = match answer.read(self.by.limits.stall).await {
                Read::Bytes(bytes) => return self.take(bytes).map(Some),
                Read::End if self.mark.total.is_none_or(|total| self.mark.received >= total) => {
                    self.answer = None;
                    return Ok(None);
                }
                Read::End | Read::Broken => {
                    DownloadError::CutOff { received: self.mark.received, total: self.mark.total }
                }
                Read::Silence => {
                    DownloadError::Stalled { seconds: self.by.limits.stall.as_secs(), received: self.mark.received }
                }
            };
            self.answer = None;
            self.again(broken).await?;
        }
    }

    fn take(&mut self, bytes: Bytes) -> Result<Piece, DownloadError> {
        self.mark.received = self.mark.received.saturating_add(bytes.len() as u64);
        if self.mark.received > self.max_bytes {
            return Err(DownloadError::TooLarge(self.max_bytes));
        }
        if self.mark.total.is_some_and(|total| self.mark.received > total) {
            return Err(DownloadError::Nonsense("it sends more than it has"));
        }
        if self.mark.received.saturating_sub(self.noted) >= PROGRESS {
            (self.noted, self.failures) = (self.mark.received, 0);
        }
        Ok(Piece::Bytes(bytes))
    }

    /// Asks for the rest, until there is an answer or no sense in asking.
    async fn again(&mut self, mut broken: DownloadError) -> Result<(), DownloadError> {
        loop {
            if !broken.is_passing() || self.failures >= self.by.limits.attempts {
                return Err(broken);
            }
            tracing::info!(received = self.mark.received, error = %broken, "a download is taken up again");
            tokio::time::sleep(self.by.limits.pause.saturating_mul(1 << self.failures.min(5))).await;
            self.failures += 1;
            broken = match self.ask().await {
                Ok(()) => return Ok(()),
                // The place that it was found at may be good for a while only.
                Err(DownloadError::Status(_)) if self.location != self.url => {
                    self.location = self.url.clone();
                    DownloadError::CutOff { received: self.mark.received, total: self.mark.total }
                }
                Err(error) => error,
            };
        }
    }

    /// Asks for what has not come yet.
    async fn ask(&mut self) -> Result<(), DownloadError> {
        let resume = (self.mark.received > 0).then_some(()).and(self.mark.validator.clone());
        let range = resume.as_deref().map(|validator| (self.mark.received, validator));
        let (location, answer) = connect::follow(&self.by, &self.location, range).await?;
        let carried_on = range.is_some() && answer.continues(&self.mark)?;
        if !carried_on {
            if self.mark.received > 0 {
                (self.start_over, self.noted) = (true, 0);
            }
            self.mark = answer.first_mark()?;
        }
        if self.mark.total.is_some_and(|total| total > self.max_bytes) {
            return Err(DownloadError::TooLarge(self.max_bytes));
        }
        (self.location, self.answer) = (location, Some(answer));
        Ok(())
    }
}
