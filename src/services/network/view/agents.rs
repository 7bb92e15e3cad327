//! Network agents.

use std::time::Duration;

use kit::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::model::Agent;

/// How long an agent may be silent before it counts as down: Neutron's `agent_down_time`.
const DOWN_AFTER: Duration = Duration::from_secs(75);

/// An agent in an answer.
#[derive(Debug, Serialize)]
pub struct AgentView<'m> {
    id: &'m str,
    agent_type: &'static str,
    binary: &'static str,
    topic: &'static str,
    host: &'m str,
    admin_state_up: bool,
    created_at: String,
    started_at: String,
    heartbeat_timestamp: String,
    description: Option<&'m str>,
    resources_synced: Option<bool>,
    availability_zone: &'static str,
    alive: bool,
    configurations: Value,
    resource_versions: Value,
}

impl<'m> AgentView<'m> {
    /// How `agent` looks at `now`.
    #[must_use]
    pub fn of(agent: &'m Agent, now: Timestamp) -> Self {
        let silent = now.duration_since(agent.heartbeat_at).unsigned_abs();
        Self {
            id: &agent.id,
            agent_type: "Linux bridge agent",
            binary: "cloudbox-network-agent",
            topic: "N/A",
            host: agent.host.as_str(),
            admin_state_up: agent.admin_state_up,
            created_at: plain(agent.created_at),
            started_at: plain(agent.started_at),
            heartbeat_timestamp: plain(agent.heartbeat_at),
            description: Some(agent.description.as_str()).filter(|text| !text.is_empty()),
            resources_synced: None,
            availability_zone: "nova",
            alive: silent <= DOWN_AFTER,
            configurations: json!({}),
            resource_versions: json!({}),
        }
    }
}

/// `2026-11-22 12:58:07`: agents' times, unlike all others.
fn plain(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
