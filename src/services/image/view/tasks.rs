//! A task as Glance shows it: whole, in a list, and among those of an image.

use kit::Timestamp;
use kit::time::seconds_z;
use serde_json::{Map, Value, json};

use crate::domain::task::Task;

/// A task in a list.
pub fn stub(task: &Task) -> Value {
    let mut body = json!({
        "id": task.id,
        "type": task.kind.as_str(),
        "status": task.status.as_str(),
        "owner": task.owner,
        "created_at": seconds_z(task.created_at),
        "updated_at": seconds_z(task.updated_at),
        "self": location(task),
        "schema": "/v2/schemas/task",
    });
    if let (Value::Object(body), Some(expires_at)) = (&mut body, task.expires_at) {
        body.insert("expires_at".to_owned(), seconds_z(expires_at).into());
    }
    body
}

/// All of a task.
pub fn task(task: &Task) -> Value {
    let mut body = stub(task);
    let more = json!({ "input": task.input, "message": task.message, "result": task.result });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
        let sometimes: [(&str, Option<String>); 3] = [
            ("image_id", task.image_id.as_ref().map(ToString::to_string)),
            ("request_id", task.request_id.clone()),
            ("user_id", task.user_id.as_ref().map(ToString::to_string)),
        ];
        body.extend(sometimes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    }
    body
}

/// A task among those of its image: Glance shows its row.
pub fn of_image(task: &Task) -> Value {
    let time = |time: Timestamp| {
        let text = seconds_z(time);
        text.trim_end_matches('Z').to_owned()
    };
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("id", task.id.as_str().into());
    set("type", task.kind.as_str().into());
    set("status", task.status.as_str().into());
    set("owner", json!(task.owner));
    set("expires_at", json!(task.expires_at.map(time)));
    set("created_at", time(task.created_at).into());
    set("updated_at", time(task.updated_at).into());
    set("deleted_at", Value::Null);
    set("deleted", false.into());
    set("image_id", json!(task.image_id));
    set("request_id", json!(task.request_id));
    set("user_id", json!(task.user_id));
    set("input", task.input.clone());
    set("result", json!(task.result));
    set("message", task.message.as_str().into());
    Value::Object(body)
}

/// A task's path.
pub fn location(task: &Task) -> String {
    format!("/v2/tasks/{}", task.id)
}
