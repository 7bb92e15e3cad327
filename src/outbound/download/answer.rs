//! A server's answer: what it says about itself, and its bytes.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderName};
use hyper::{Response, StatusCode};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{DownloadError, Mark};

/// What has to come within the longest silence: less is silence, too.
const TRICKLE: usize = 4096;

/// The task that moves a connection's bytes; it ends with its owner.
pub(super) struct Connection(JoinHandle<()>);

impl Connection {
    pub(super) fn keep(moves: impl Future<Output = hyper::Result<()>> + Send + 'static) -> Self {
        Self(tokio::spawn(async move {
            if let Err(error) = moves.await {
                tracing::debug!(%error, "a download's connection broke");
            }
        }))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What came of waiting for bytes.
pub(super) enum Read {
    Bytes(Bytes),
    End,
    Broken,
    Silence,
}

/// An answer whose body comes in.
pub(super) struct Answer {
    response: Response<Incoming>,
    _connection: Connection,
    since: Option<Instant>,
    trickled: usize,
}

impl Answer {
    pub(super) fn new(response: Response<Incoming>, connection: Connection) -> Self {
        Self { response, _connection: connection, since: None, trickled: 0 }
    }

    /// The next bytes, unless there are next to none for `stall`.
    pub(super) async fn read(&mut self, stall: Duration) -> Read {
        // A reply to a range that begins at the end: there is nothing left.
        if self.response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            return Read::End;
        }
        // The clock runs only while somebody waits for the server: a slow reader is not its fault.
        let mut since = self.since.take().unwrap_or_else(Instant::now);
        loop {
            let frame = match tokio::time::timeout_at(since + stall, self.response.body_mut().frame()).await {
                Err(_elapsed) => return Read::Silence,
                Ok(None) => return Read::End,
                Ok(Some(Err(_))) => return Read::Broken,
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(bytes) = frame.into_data() else { continue };
            self.trickled += bytes.len();
            if self.trickled >= TRICKLE {
                (since, self.trickled) = (Instant::now(), 0);
            }
            if !bytes.is_empty() {
                self.since = (self.trickled > 0).then_some(since);
                return Read::Bytes(bytes);
            }
        }
    }

    fn header(&self, name: HeaderName) -> Option<&str> {
        self.response.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// `bytes 10-99/100`: the first byte and the total.
    fn content_range(&self) -> Option<(Option<u64>, Option<u64>)> {
        let (range, total) = self.header(header::CONTENT_RANGE)?.strip_prefix("bytes ")?.split_once('/')?;
        let first = range.split_once('-').and_then(|(first, _)| first.parse().ok());
        Some((first, total.parse().ok()))
    }

    /// Whether it carries on at `mark`; if not, it begins with the first byte.
    pub(super) fn continues(&self, mark: &Mark) -> Result<bool, DownloadError> {
        let same = |total: Option<u64>| total.is_none() || mark.total.is_none() || total == mark.total;
        match self.response.status() {
            StatusCode::PARTIAL_CONTENT => match self.content_range() {
                Some((Some(first), total)) if first == mark.received && same(total) => {
                    let version = self.validator();
                    if version.is_some() && version != mark.validator {
                        return Err(DownloadError::Nonsense("it sends the rest of another version"));
                    }
                    Ok(true)
                }
                _ => Err(DownloadError::Nonsense("it sends another range than was asked for")),
            },
            StatusCode::RANGE_NOT_SATISFIABLE => match self.content_range() {
                Some((_, Some(total))) if total == mark.received && same(Some(total)) => Ok(true),
                _ => Err(DownloadError::Nonsense("it has less than it sent before")),
            },
            _ => Ok(false),
        }
    }

    /// The mark of an answer that begins with the first byte.
    pub(super) fn first_mark(&self) -> Result<Mark, DownloadError> {
        if self.response.status() != StatusCode::OK {
            return Err(DownloadError::Nonsense("it sends a part where all was asked for"));
        }
        let total = self.response.body().size_hint().exact();
        Ok(Mark { received: 0, validator: self.validator(), total })
    }

    /// What this version is called, if it is a name that one can go by.
    fn validator(&self) -> Option<String> {
        let tag = self.header(header::ETAG).filter(|tag| tag.starts_with('"'));
        tag.or_else(|| self.header(header::LAST_MODIFIED)).map(str::to_owned)
    }
}
