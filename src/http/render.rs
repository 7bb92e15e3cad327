//! From a request's outcome to its response: status, the headers that every answer of the service has, the log line.

use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};
use kit::Fault;

use crate::body::{self, ResponseBody};
use crate::dialect::{Api, ComputeRequestId};
use crate::envelope;
use crate::reply::Reply;
use crate::serve::{Exchange, Refusal};

impl Exchange<'_> {
    /// The response, with the headers that every answer of the service has.
    pub(crate) fn render(&mut self, outcome: Result<Reply, Refusal>) -> Response<ResponseBody> {
        let reply = match outcome {
            Ok(reply) => reply,
            Err(Refusal::Reply(reply)) => *reply,
            Err(Refusal::Fault(fault)) => self.faulted(&fault, None),
            Err(Refusal::Closing(fault, status)) => {
                self.close = true;
                self.faulted(&fault, Some(status))
            }
        };
        let mut response = match reply.into_response(self.success) {
            Ok(response) => response,
            Err(fault) => {
                let reply = self.faulted(&fault, None);
                reply.into_response(StatusCode::INTERNAL_SERVER_ERROR).unwrap_or_else(|_| Response::new(body::empty()))
            }
        };
        self.add_headers(&mut response);
        if self.method == Method::HEAD {
            *response.body_mut() = body::empty();
        }
        response
    }

    fn faulted(&self, fault: &Fault, status: Option<StatusCode>) -> Reply {
        let dialect = self.mount.as_ref().map_or(&crate::dialect::KEYSTONE, |mount| mount.dialect);
        let asked = self.asked(dialect);
        let status = status.unwrap_or_else(|| envelope::status(dialect, fault));
        if status.is_server_error() {
            tracing::error!(request_id = %self.context.request_id, path = &*self.path, error = fault.chain(), "a request failed");
        } else {
            tracing::debug!(request_id = %self.context.request_id, error = fault.chain(), "a request was refused");
        }
        let reply = envelope::reply_as(&asked, fault, status);
        if status == StatusCode::UNAUTHORIZED { envelope::challenge(reply, &self.public_url) } else { reply }
    }

    fn add_headers(&self, response: &mut Response<ResponseBody>) {
        let failed = response.status().is_client_error() || response.status().is_server_error();
        let headers = response.headers_mut();
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if let (true, Ok(id)) = (self.request_id_shown, HeaderValue::from_str(&self.context.request_id)) {
            let twice = match self.mount.as_ref().map(|mount| mount.dialect.compute_request_id) {
                None | Some(ComputeRequestId::Never) => false,
                Some(ComputeRequestId::Always) => true,
                Some(ComputeRequestId::WithVersion) => self.version.is_some(),
            };
            if twice {
                headers.insert(HeaderName::from_static("x-compute-request-id"), id.clone());
            }
            headers.insert(HeaderName::from_static("x-openstack-request-id"), id);
        }
        let Some(dialect) = self.mount.as_ref().map(|mount| mount.dialect) else { return };
        if let Some(vary) = dialect.vary {
            headers.append(header::VARY, HeaderValue::from_static(vary));
        }
        let (Some(version), Some(scheme), true) = (self.version, dialect.microversions, self.echo) else { return };
        if let Ok(value) = HeaderValue::from_str(&format!("{} {version}", scheme.service)) {
            headers.insert(HeaderName::from_static("openstack-api-version"), value);
        }
        if dialect.api != Api::Placement || !failed {
            headers.append(header::VARY, HeaderValue::from_static("OpenStack-API-Version"));
        }
        if let (Some(legacy), Ok(value)) = (scheme.legacy_header, HeaderValue::from_str(&version.to_string())) {
            headers.insert(HeaderName::from_static(legacy), value);
            headers.append(header::VARY, HeaderValue::from_static("X-OpenStack-Nova-API-Version"));
        }
    }

    pub(crate) fn log(&self, response: &Response<ResponseBody>) {
        tracing::info!(
            request_id = %self.context.request_id,
            method = %self.method,
            path = &*self.path,
            status = response.status().as_u16(),
            micros = kit::trace::micros(self.started.elapsed()),
            project_id = self.context.project_id().map(kit::ids::ProjectId::as_str),
            global_request_id = self.global_request_id,
            "answered"
        );
    }
}
