//! Asking for an import: the task and the image's claim are written down together, then it begins.

use std::sync::Arc;

use http_kit::Request;
use kit::Fault;
use outbound::Guard;
use serde_json::{Value, json};

use crate::Images;
use crate::db::{imports, tasks};
use crate::domain::image::{Image, Status};
use crate::domain::import::{Asked, Method};
use crate::domain::quota::Resource;
use crate::domain::task::{Task, TaskKind, TaskStatus};
use crate::quota;

impl Images {
    /// Begins the import that was `asked` for into `image`, to `stores`; `body` is what the client sent.
    ///
    /// # Errors
    /// A 409 where another one has the image, or its status has changed.
    pub(crate) async fn import(
        self: &Arc<Self>,
        request: &Request,
        image: &Image,
        asked: &Asked,
        stores: Vec<String>,
        body: &Value,
    ) -> Result<(), Fault> {
        let input = json!({ "image_id": image.id.as_str(), "import_req": body, "backend": stores });
        let task = Task { image_id: Some(image.id.clone()), ..self.new_task(request, TaskKind::ApiImageImport, input) };
        let steps = match asked.method {
            Method::GlanceDirect => (Status::Uploading, Status::Importing),
            Method::WebDownload { .. } => (Status::Queued, Status::Importing),
            Method::CopyImage => (Status::Active, Status::Active),
        };
        // What is staged counts already; what is fetched or copied goes through the staging area.
        let quotas = match asked.method {
            Method::GlanceDirect => vec![(Resource::SizeTotal, 0)],
            _ => vec![(Resource::SizeTotal, 0), (Resource::StageTotal, 0), (Resource::CountUploading, 0)],
        };
        let (limits, owner) = (self.limits_of(&request.context, image).await?, image.owner.clone());
        let (id, added, now) = (image.id.clone(), task.clone(), task.created_at);
        let write = move |db: &store::Connection| -> Result<bool, Fault> {
            let whole = asked_for_staged(db, &id, steps.0)?;
            let begun = whole && imports::begin(db, &id, &added.id, steps, &stores, now)?;
            if begun {
                quota::check(db, &limits, owner.as_ref(), &quotas)?;
                tasks::insert(db, &added)?;
            }
            Ok(begun)
        };
        if !self.store.write(write).await? {
            return Err(Fault::conflict("Image has active task"));
        }
        kit::crash::point("image.import", "ask", "after");
        self.begin_import(&task);
        Ok(())
    }

    /// Whether the bytes of an image may come from `uri`.
    pub(crate) fn may_fetch(&self, uri: &str) -> Result<(), Fault> {
        let guard = Guard::from(&self.config.web_download);
        let refused = |why| Fault::bad_request(format!("URI for web-download does not pass filtering: {uri}: {why}"));
        guard.check(uri).map_err(refused)
    }

    /// A task that is asked for now.
    pub(crate) fn new_task(&self, request: &Request, kind: TaskKind, input: Value) -> Task {
        let now = self.clock.now();
        Task {
            id: uuid::Uuid::new_v4().hyphenated().to_string(),
            kind,
            status: TaskStatus::Pending,
            owner: request.context.project_id().cloned(),
            image_id: None,
            user_id: request.context.user_id().cloned(),
            request_id: Some(request.context.request_id.to_string()),
            input,
            result: None,
            message: String::new(),
            expires_at: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Whether an image that is `uploading` has been staged to the end.
fn asked_for_staged(db: &store::Connection, id: &kit::ids::ImageId, from: Status) -> Result<bool, Fault> {
    Ok(from != Status::Uploading || crate::db::staged::has(db, id)?)
}
