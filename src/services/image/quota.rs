//! Quotas at work: limits are asked of identity over the bus, usage is counted where it is added to.
//!
//! A check is atomic with the write that it allows: [`check`] runs in the same job of the store's writer.

use bus::Target;
use bus::topics::identity::GetLimits;
use kit::ids::ProjectId;
use kit::{Fault, RequestContext};
use store::Connection;

use crate::Images;
use crate::db::usage;
use crate::domain::quota::{Limits, Resource};

impl Images {
    /// What applies to `project`.
    ///
    /// # Errors
    /// What the bus reports when identity does not answer.
    pub(crate) async fn limits(&self, context: &RequestContext, project: &ProjectId) -> Result<Limits, Fault> {
        let message = GetLimits { service_type: "image".to_owned(), project_id: project.clone() };
        self.client.call(context, Target::Any, message).await.map(Limits)
    }
}

/// Whether `owner` may have so much more of each: (resource, how much), sizes in MiB. An image without an owner is free.
///
/// # Errors
/// 413 where it may not.
pub(crate) fn check(
    db: &Connection,
    limits: &Limits,
    owner: Option<&ProjectId>,
    wanted: &[(Resource, i64)],
) -> Result<(), Fault> {
    let Some(owner) = owner.map(AsRef::<str>::as_ref) else { return Ok(()) };
    for (resource, more) in wanted {
        if limits.of(*resource) >= 0 {
            limits.check(owner, *resource, usage::of(db, owner, *resource)?, *more)?;
        }
    }
    Ok(())
}
