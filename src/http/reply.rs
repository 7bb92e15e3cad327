//! What a handler answers: a status, headers and a body, serialised once.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode, header};
use kit::Fault;
use serde::Serialize;
use serde_json::Value;

use crate::audit::Party;
use crate::body::{self, BoxError, ResponseBody};

/// The answer to a request.
pub struct Reply {
    status: Option<StatusCode>,
    headers: HeaderMap,
    content: Content,
}

enum Content {
    None,
    /// Bytes of the media type `.1`.
    Bytes(Bytes, &'static str),
    Stream(ResponseBody, Option<u64>),
    /// It could not be serialised.
    Failed(Fault),
}

const JSON: &str = "application/json";
/// The largest body that is looked into for what was made.
const MADE_AT_MOST: usize = 64 << 10;

impl Reply {
    /// `content` as JSON, with the endpoint's own status.
    #[must_use]
    pub fn json(content: impl Serialize) -> Self {
        Self { status: None, headers: HeaderMap::new(), content: serialise(&content) }
    }

    /// `content` as JSON with `status`.
    #[must_use]
    pub fn status(status: u16, content: impl Serialize) -> Self {
        Self { status: Some(code(status)), ..Self::json(content) }
    }

    /// 200.
    #[must_use]
    pub fn ok(content: impl Serialize) -> Self {
        Self::status(200, content)
    }

    /// 201.
    #[must_use]
    pub fn created(content: impl Serialize) -> Self {
        Self::status(201, content)
    }

    /// 202.
    #[must_use]
    pub fn accepted(content: impl Serialize) -> Self {
        Self::status(202, content)
    }

    /// 204.
    #[must_use]
    pub fn no_content() -> Self {
        Self::empty(204)
    }

    /// `status` and no body: what Nova and Cinder answer to most actions (202).
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { status: Some(code(status)), headers: HeaderMap::new(), content: Content::None }
    }

    /// `bytes` of the media type `media_type` with `status`.
    #[must_use]
    pub fn bytes(status: u16, media_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self {
            status: Some(code(status)),
            headers: HeaderMap::new(),
            content: Content::Bytes(bytes.into(), media_type),
        }
    }

    /// 200 with a stream of `length` bytes, where that is known, as `application/octet-stream`.
    ///
    /// An error of the stream breaks the connection off, so that the client notices.
    #[must_use]
    pub fn stream<S, E>(stream: S, length: Option<u64>) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let frames = stream.map(|chunk| chunk.map(Frame::data).map_err(Into::into));
        Self {
            status: Some(StatusCode::OK),
            headers: HeaderMap::new(),
            content: Content::Stream(StreamBody::new(frames).boxed_unsync(), length),
        }
    }

    /// With a header. One that HTTP cannot carry is left out, with a warning in the log.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value.as_ref())) {
            (Ok(name), Ok(value)) => {
                self.headers.append(name, value);
            }
            _ => tracing::warn!(header = name, "a header's value cannot be sent"),
        }
        self
    }

    /// With another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(code(status));
        self
    }

    /// The status, where one was chosen.
    #[must_use]
    pub fn chosen_status(&self) -> Option<u16> {
        self.status.map(|status| status.as_u16())
    }

    /// What was made, where the body is that object or holds it under its only key: for the record.
    pub(crate) fn made(&self) -> Option<Party> {
        let Content::Bytes(bytes, JSON) = &self.content else { return None };
        let body: Value = serde_json::from_slice(bytes.get(..bytes.len().min(MADE_AT_MOST))?).ok()?;
        let only = body.as_object().filter(|object| object.len() == 1).and_then(|object| object.values().next());
        let object = only.filter(|inner| inner.is_object()).unwrap_or(&body);
        let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Party { id: text("id"), name: text("name") })
    }

    /// The response; `success` is the status of a reply that names none.
    ///
    /// # Errors
    /// What kept the content from being serialised.
    pub(crate) fn into_response(self, success: StatusCode) -> Result<Response<ResponseBody>, Fault> {
        let status = self.status.unwrap_or(success);
        let (content, media_type, length) = match self.content {
            Content::Failed(fault) => return Err(fault),
            Content::None if status == StatusCode::NO_CONTENT => (body::empty(), None, None),
            Content::None => (body::empty(), Some(JSON), Some(0)),
            Content::Bytes(bytes, media_type) => {
                let length = u64::try_from(bytes.len()).ok();
                (body::full(bytes), Some(media_type), length)
            }
            Content::Stream(stream, length) => (stream, Some("application/octet-stream"), length),
        };
        let mut response = Response::new(content);
        *response.status_mut() = status;
        *response.headers_mut() = self.headers;
        let headers = response.headers_mut();
        if let Some(media_type) = media_type {
            headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static(media_type));
        }
        if let Some(length) = length {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        Ok(response)
    }
}

fn serialise(content: &impl Serialize) -> Content {
    match serde_json::to_vec(content) {
        Ok(bytes) => Content::Bytes(bytes.into(), JSON),
        Err(error) => Content::Failed(Fault::internal("serialising a reply", error)),
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).field("headers", &self.headers).finish_non_exhaustive()
    }
}
