//! What the journal holds of one running workflow: plain data, for a row or a message.

use kit::ids::WorkflowId;
use kit::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

/// Which way a workflow is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Towards its end.
    Forward,
    /// Back to where it began.
    Unwinding,
}

/// One running workflow, as of the last step that was started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// This run.
    pub id: WorkflowId,
    /// The definition's name, such as `server.build`.
    pub kind: String,
    /// What it works on, such as a server's id.
    pub subject: String,
    /// The step that was started (or whose undo was), from 0. Its effects may or may not be there.
    pub step: usize,
    /// The step's name. It decides when a newer binary's definition has other steps.
    pub step_name: String,
    /// Which way it goes.
    pub direction: Direction,
    /// The state: before the step when going forward, the best known when unwinding.
    pub state: serde_json::Value,
    /// The service's own data that goes with it, such as the request context.
    pub context: serde_json::Value,
    /// Why it unwinds.
    pub fault: Option<Fault>,
    /// Why the undo of `step` failed for good: somebody has to look. Resuming tries again.
    pub stuck: Option<Fault>,
    /// When this was written.
    pub updated_at: Timestamp,
}
