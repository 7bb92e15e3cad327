//! `/schemas`: what images, members and tasks look like, as JSON schemas.

use std::sync::Arc;

use http_kit::{Endpoint, Reply, Request};
use kit::Fault;

use crate::Images;
use crate::view::schemas;

/// Its rows.
pub static ENDPOINTS: &[Endpoint<Images>] = &[
    Endpoint::get("/schemas/image", "", &image),
    Endpoint::get("/schemas/images", "", &images),
    Endpoint::get("/schemas/member", "", &member),
    Endpoint::get("/schemas/members", "", &members),
    Endpoint::get("/schemas/task", "", &task),
    Endpoint::get("/schemas/tasks", "", &tasks),
];

async fn image(_: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(schemas::image()))
}

async fn images(_: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(schemas::images()))
}

async fn member(_: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(schemas::member()))
}

async fn members(_: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(schemas::members()))
}

async fn task(_: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(schemas::task()))
}

async fn tasks(_: Arc<Images>, _: Request) -> Result<Reply, Fault> {
    Ok(Reply::ok(schemas::tasks()))
}
