//! A member of a shared image, as Glance shows it.

use kit::time::seconds_z;
use serde_json::{Value, json};

use crate::domain::member::Member;

/// The member's body.
pub fn member(member: &Member) -> Value {
    json!({
        "member_id": member.member_id,
        "image_id": member.image_id,
        "status": member.status.as_str(),
        "created_at": seconds_z(member.created_at),
        "updated_at": seconds_z(member.updated_at),
        "schema": "/v2/schemas/member",
    })
}
