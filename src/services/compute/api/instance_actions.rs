//! What was asked of a server, and the steps that were taken for it.

use std::sync::Arc;

use http_kit::page::Order;
use http_kit::{Direction, Endpoint, Paging, Reply, Request, Sortable, Target};
use kit::{Fault, Timestamp};
use serde_json::{Value, json};

use super::{find_server, no_marker};
use crate::Compute;
use crate::db::actions::{self, Action, Event};
use crate::db::instances::InstanceRow;
use crate::domain::naming;
use crate::policy::name;
use crate::view::set;

pub(super) static ENDPOINTS: &[Endpoint<Compute>] = &[
    Endpoint::get("/servers/{server_id}/os-instance-actions", "os_compute_api:os-instance-actions:list", &list),
    Endpoint::get(
        "/servers/{server_id}/os-instance-actions/{request_id}",
        "os_compute_api:os-instance-actions:show",
        &show,
    ),
];

const NEWEST: Sortable = Sortable { key: "id", column: "id" };
const ORDER: Order = Order { sortable: &[], default: &[(NEWEST, Direction::Descending)], id: "id", required: &[] };

fn time(at: Timestamp) -> String {
    kit::time::micros_naive(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

fn render(request: &Request, action: &Action) -> Value {
    let mut view = json!({
        "action": action.action,
        "instance_uuid": action.server_id,
        "request_id": action.request_id,
        "user_id": action.user_id,
        "project_id": action.project_id,
        "start_time": time(action.started_at),
        "message": action.message,
    });
    if request.version.at_least(2, 58) {
        set(&mut view, "updated_at", json!(time(action.updated_at)));
    }
    view
}

/// Deleted servers' actions can be seen from 2.21 on.
async fn load(compute: &Compute, request: &Request) -> Result<InstanceRow, Fault> {
    find_server(compute, request, request.version.at_least(2, 21)).await
}

async fn list(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = load(&compute, &request).await?;
    let mut all = compute.store.read(move |db| actions::of_instance(db, &row.id)).await.map_err(Fault::from)?;
    if !request.version.at_least(2, 58) {
        return Ok(Reply::ok(
            json!({ "instanceActions": all.iter().map(|one| render(&request, one)).collect::<Vec<_>>() }),
        ));
    }
    let paging = Paging::parse(&request, &ORDER)?;
    narrow(&request, &paging, &mut all)?;
    paging.cut(&mut all);
    let views: Vec<Value> = all.iter().map(|one| render(&request, one)).collect();
    let mut body = json!({ "instanceActions": views });
    let last = all.last().map(|one| one.request_id.as_str()).unwrap_or_default();
    if let Some(links) = paging.next_links(&request, all.len(), last) {
        set(&mut body, "links", links);
    }
    Ok(Reply::ok(body))
}

/// Filters and the marker. A server has few actions: they are narrowed here.
fn narrow(request: &Request, paging: &Paging, all: &mut Vec<Action>) -> Result<(), Fault> {
    let time = |name: &str| {
        let parse = |text: &str| {
            http_kit::filter::parse_time(text).ok_or_else(|| {
                Fault::bad_request(format!(
                    "Invalid input for query parameters {name}. Value: {text}. '{text}' is not a 'date-time'"
                ))
            })
        };
        request.query().get(name).map(parse).transpose()
    };
    if let Some(since) = time("changes-since")? {
        all.retain(|action| action.updated_at >= since);
    }
    if let Some(before) = time("changes-before")?.filter(|_| request.version.at_least(2, 66)) {
        all.retain(|action| action.updated_at <= before);
    }
    if let Some(marker) = &paging.marker {
        let place = all.iter().position(|action| action.request_id == *marker).ok_or_else(|| no_marker(paging))?;
        all.drain(..=place);
    }
    Ok(())
}

async fn show(compute: Arc<Compute>, request: Request) -> Result<Reply, Fault> {
    let row = load(&compute, &request).await?;
    let request_id = request.param("request_id")?.to_owned();
    let (id, wanted) = (row.id.clone(), request_id.clone());
    let found = compute
        .store
        .read(move |db| {
            let action = actions::by_request(db, &id, &wanted)?;
            action.map(|action| actions::events(db, action.id).map(|events| (action, events))).transpose()
        })
        .await
        .map_err(|error: store::Error| Fault::from(error))?;
    let (action, events) = found.ok_or_else(|| Fault::not_found(format!("Action {request_id} not found")))?;
    let mut view = render(&request, &action);
    let target = Target::project(&row.project_id);
    let all = request.allows(name::ACTION_EVENTS, &target);
    if all || request.version.at_least(2, 51) {
        let details = request.allows(name::ACTION_EVENT_DETAILS, &target);
        let events: Vec<Value> =
            events.iter().map(|event| render_event(&request, &row, event, (all, details))).collect();
        set(&mut view, "events", json!(events));
    }
    Ok(Reply::ok(json!({ "instanceAction": view })))
}

fn render_event(request: &Request, row: &InstanceRow, event: &Event, (all, details): (bool, bool)) -> Value {
    let mut view = json!({
        "event": event.event,
        "start_time": time(event.started_at),
        "finish_time": event.finished_at.map(time),
        "result": event.result,
    });
    if all {
        // Nova's traceback is a Python one; what there is to say is in the details.
        set(&mut view, "traceback", Value::Null);
    }
    if request.version.at_least(2, 62) {
        set(&mut view, "hostId", json!(naming::host_id(event.host.as_ref(), &row.project_id)));
        if all {
            set(&mut view, "host", json!(event.host));
        }
    }
    if request.version.at_least(2, 84) && details {
        set(&mut view, "details", json!(event.details));
    }
    view
}
