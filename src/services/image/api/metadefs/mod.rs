//! `/metadefs`: metadata definitions.

pub mod namespaces;
pub mod objects;
pub mod properties;
pub mod resource_types;
pub mod schemas;
pub mod tags;

use http_kit::page::Order;
use http_kit::{Direction, Paging, Request, Sortable, Target};
use kit::Fault;
use store::Connection;

use crate::Images;
use crate::db::metadefs::namespaces as table;
use crate::domain::metadefs::Namespace;

impl Images {
    /// The namespace that the request's path names, if the caller may do what `rule` is about.
    ///
    /// 404 when there is none or it may not be seen, 403 when it may be seen only.
    async fn namespace(&self, request: &Request, rule: &str) -> Result<Namespace, Fault> {
        let name = request.param("namespace_name")?.to_owned();
        let wanted = name.clone();
        let found = self.store.read(move |db| table::get(db, &wanted)).await?;
        let found = found.filter(|namespace| namespace.is_visible_to(&request.context));
        let namespace = found.ok_or_else(|| no_such_namespace(&name))?;
        let target = target(&namespace);
        match request.authorize(rule, &target) {
            Err(_) if !request.allows("get_metadef_namespace", &target) => Err(no_such_namespace(&name)),
            Err(denied) => Err(denied),
            Ok(()) => Ok(namespace),
        }
    }

    /// Changes something in a namespace that is still there.
    async fn in_namespace<T: Send + 'static>(
        &self,
        namespace: &Namespace,
        change: impl FnOnce(&Connection, i64) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (id, name) = (namespace.id, namespace.namespace.clone());
        let changed = move |db: &Connection| {
            if !table::exists(db, id)? {
                return Err(no_such_namespace(&name));
            }
            change(db, id)
        };
        self.store.write(changed).await
    }
}

/// What the policy may know of a namespace.
fn target(namespace: &Namespace) -> Target {
    Target::project(&namespace.owner).with("visibility", &namespace.visibility)
}

fn no_such_namespace(name: &str) -> Fault {
    Fault::not_found(format!("Namespace {name} not found"))
}

/// A conflict with `message` where a unique rule forbids it.
fn taken(error: store::Error, message: impl FnOnce() -> String) -> Fault {
    if error.is_unique() { Fault::conflict(message()).caused_by(error) } else { error.into() }
}

/// 403 where what is in a protected namespace would go. `what` names it, such as `object x`.
fn unprotected(namespace: &Namespace, what: &str) -> Result<(), Fault> {
    if namespace.protected {
        return Err(Fault::forbidden(format!("Metadata definition {what} is protected and cannot be deleted.")));
    }
    Ok(())
}

const fn column(key: &'static str) -> Sortable {
    Sortable { key, column: key }
}

/// By the time of their making, the newest first.
const NEWEST: &[(Sortable, Direction)] = &[(column("created_at"), Direction::Descending)];

/// The request's paging: one sort key and one direction, which also holds for the default key.
fn paging(request: &Request, order: &Order) -> Result<Paging, Fault> {
    let query = request.query().clone().without("sort");
    let query = if query.has("sort_key") { query } else { query.with("sort_key", "created_at") };
    Paging::of(request.dialect(), &query, order)
}

#[cfg(test)]
mod tests;
