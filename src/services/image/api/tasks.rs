//! `/tasks` and `/images/{id}/tasks`: what long work came to.

use std::sync::Arc;

use http_kit::page::Order;
use http_kit::{Condition, Direction, Endpoint, Paging, Reply, Request, Sortable, SqlValue};
use kit::{Fault, FaultKind};
use serde_json::{Value, json};

use super::page;
use crate::Images;
use crate::db::tasks;
use crate::domain::image::Image;
use crate::domain::input;
use crate::domain::task::{Task, TaskKind, TaskStatus};
use crate::view;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::get("/tasks", "tasks_api_access", &list),
    Endpoint::post("/tasks", "tasks_api_access", &create),
    Endpoint::get("/tasks/{task_id}", "tasks_api_access", &show),
    Endpoint::delete("/tasks/{task_id}", "tasks_api_access", &delete),
    Endpoint::get("/images/{image_id}/tasks", "get_image", &of_image).deferred(),
];

const fn column(key: &'static str) -> Sortable {
    Sortable { key, column: key }
}

static ORDER: Order = Order {
    sortable: &[
        column("id"),
        column("type"),
        column("status"),
        column("created_at"),
        column("updated_at"),
        column("expires_at"),
        column("owner"),
    ],
    default: &[(column("created_at"), Direction::Descending)],
    id: "id",
    required: &["id", "type", "status", "created_at", "updated_at"],
};

async fn list(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let paging = Paging::parse(&request, &ORDER)?;
    let condition = filters(&request)?;
    let (order, fetch, marker) = (paging.order_by(), paging.fetch(), paging.marker.clone());
    let (columns, after): (Vec<_>, _) = (paging.key_columns().collect(), paging.clone());
    let mut found = service
        .store
        .read(move |db| {
            let start = match &marker {
                Some(marker) => {
                    let key = tasks::key(db, marker, &columns)?;
                    after.after(&key.ok_or_else(|| Fault::bad_request(format!("No task found with ID {marker}")))?)
                }
                None => Condition::all(),
            };
            tasks::list(db, condition.and(start), &order, fetch).map_err(Fault::from)
        })
        .await?;
    let more = paging.cut(&mut found);
    let last = found.last().map(|task| task.id.clone()).unwrap_or_default();
    let items: Vec<_> = found.iter().map(view::tasks::stub).collect();
    Ok(page(&request, "tasks", &paging, items, &last, more))
}

/// What the query asks for. Tasks of other projects are an administrator's only.
fn filters(request: &Request) -> Result<Condition, Fault> {
    let query = request.query();
    let mut condition = match request.context.project_id() {
        _ if request.context.is_admin() => Condition::all(),
        Some(project) => Condition::is("owner", project.as_str()),
        None => Condition::none(),
    };
    if let Some(status) = query.get("status") {
        if TaskStatus::parse(status).is_none() {
            return Err(Fault::bad_request(format!("Invalid status value: {status}")));
        }
        condition = condition.and(Condition::is("status", status));
    }
    if let Some(kind) = query.get("type") {
        if kind != TaskKind::Import.as_str() {
            return Err(Fault::bad_request(format!("Invalid type value: {kind}")));
        }
        condition = condition.and(Condition::is("type", kind));
    }
    for column in ["owner", "image_id", "user_id", "request_id"] {
        if let Some(value) = query.get(column) {
            condition = condition.and(Condition::is(column, SqlValue::from(value)));
        }
    }
    Ok(condition)
}

async fn show(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let id = request.param("task_id")?.to_owned();
    let wanted = id.clone();
    let task = service.store.read(move |db| tasks::get(db, &wanted).map_err(Fault::from)).await?;
    let is_theirs = |task: &Task| request.context.is_admin() || task.owner.as_ref() == request.context.project_id();
    let task = task.filter(is_theirs);
    let task = task.ok_or_else(|| Fault::not_found(format!("No task found with ID {id}")))?;
    Ok(Reply::ok(view::tasks::task(&task)))
}

/// Glance's old way to import: an image is made of what an address serves.
async fn create(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let bad = |text: String| Fault::bad_request(text);
    let body = request.body_value()?;
    for name in ["type", "input"] {
        if body.get(name).is_none() {
            return Err(bad(format!("Task '{name}' is required")));
        }
    }
    if body.get("type").and_then(Value::as_str) != Some(TaskKind::Import.as_str()) {
        return Err(bad(
            "Only tasks of type 'import' can be created here; an image that is there is imported into by \
             POST /v2/images/{image_id}/import."
                .to_owned(),
        ));
    }
    let input = body.get("input").filter(|input| input.is_object());
    let input = input.ok_or_else(|| bad("Task 'input' must be an object".to_owned()))?;
    for name in ["import_from", "import_from_format", "image_properties"] {
        if input.get(name).is_none() {
            return Err(bad(format!("Input does not contain '{name}' field")));
        }
    }
    let uri = input.get("import_from").and_then(Value::as_str).unwrap_or_default();
    service.may_fetch(uri)?;
    let mut input = input.clone();
    complete(&mut input)?;
    // What the image is to be is checked now, so that the client is told.
    let mut image = Image::new("".into(), None, service.clock.now());
    for (name, value) in input.get("image_properties").and_then(Value::as_object).into_iter().flatten() {
        input::set(&mut image, name, value)?;
    }
    let task = service.new_task(&request, TaskKind::Import, input);
    let added = task.clone();
    service.store.write(move |db| tasks::insert(db, &added).map_err(Fault::from)).await?;
    service.begin_import(&task);
    Ok(Reply::created(view::tasks::task(&task)).header("Location", view::tasks::location(&task)))
}

/// Says of the image what its maker left out.
fn complete(input: &mut Value) -> Result<(), Fault> {
    let format = input.get("import_from_format").and_then(Value::as_str).unwrap_or("qcow2").to_owned();
    let properties = input.get_mut("image_properties").and_then(Value::as_object_mut);
    let properties = properties.ok_or_else(|| Fault::bad_request("'image_properties' must be an object"))?;
    properties.entry("disk_format").or_insert_with(|| json!(format));
    properties.entry("container_format").or_insert_with(|| json!("bare"));
    Ok(())
}

async fn delete(_: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    Err(Fault::new(
        FaultKind::MethodNotAllowed,
        "Tasks cannot be deleted. They are forgotten some time after they are over, when their expires_at has come.",
    ))
}

async fn of_image(service: Arc<Images>, request: Request) -> Result<Reply, Fault> {
    let image = service.find(&request, "get_image").await?;
    let found = service.store.read(move |db| tasks::of_image(db, &image.id).map_err(Fault::from)).await?;
    let tasks: Vec<Value> = found.iter().map(view::tasks::of_image).collect();
    Ok(Reply::ok(json!({ "tasks": tasks })))
}
