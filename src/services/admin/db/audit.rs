//! `admin_audit`: records in the order in which they came.

use http_kit::audit::{Event, Party};
use kit::sql::SqlValue;
use kit::time::{from_micros, to_micros};
use kit::{Fault, Timestamp};
use store::{Connection, Row, named_params, params, query};

/// A record with its id.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// Its place in the order; none before it is in the table.
    pub(crate) seq: i64,
    pub(crate) id: String,
    pub(crate) event: Event,
}

impl Kept {
    /// `event` with a new id.
    pub(crate) fn new(event: Event) -> Self {
        Self { seq: 0, id: uuid::Uuid::now_v7().to_string(), event }
    }
}

/// Which records.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Id or name.
    pub(crate) user: Option<String>,
    /// Id or name.
    pub(crate) project: Option<String>,
    /// The action, or what comes before its `/`.
    pub(crate) action: Option<String>,
    pub(crate) succeeded: Option<bool>,
    pub(crate) service: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    /// Older than this one.
    pub(crate) before: Option<i64>,
}

/// Adds all of `rows`.
pub(crate) fn insert(db: &Connection, rows: &[Kept]) -> Result<(), Fault> {
    for Kept { id, event, .. } in rows {
        query::execute(
            db,
            "INSERT INTO admin_audit (id, at, action, status, service, service_name, initiator_id, initiator_name, \
             project_id, project_name, domain_id, domain_name, address, agent, target_type, target_id, target_name, \
             request_id, path) VALUES (:id, :at, :action, :status, :service, :service_name, :initiator_id, \
             :initiator_name, :project_id, :project_name, :domain_id, :domain_name, :address, :agent, :target_type, \
             :target_id, :target_name, :request_id, :path)",
            named_params! {
                ":id": id, ":at": to_micros(event.at), ":action": event.action, ":status": event.status,
                ":service": event.service, ":service_name": event.service_name,
                ":initiator_id": event.initiator.id, ":initiator_name": event.initiator.name,
                ":project_id": event.project.id, ":project_name": event.project.name,
                ":domain_id": event.domain.id, ":domain_name": event.domain.name,
                ":address": event.address.map(|address| address.to_string()), ":agent": event.agent,
                ":target_type": event.target_type, ":target_id": event.target.id, ":target_name": event.target.name,
                ":request_id": &*event.request_id, ":path": event.path,
            },
        )?;
    }
    Ok(())
}

/// Removes all but the newest `rows`, and of the oldest those that are from before `before`.
pub(crate) fn prune(db: &Connection, rows: i64, before: Timestamp) -> Result<(), Fault> {
    let newest: Option<i64> = query::one(db, "SELECT max(seq) FROM admin_audit", [], |row| row.get(0))?;
    let Some(newest) = newest else { return Ok(()) };
    query::execute(db, "DELETE FROM admin_audit WHERE seq <= ?1", params![newest.saturating_sub(rows)])?;
    query::execute(
        db,
        "DELETE FROM admin_audit WHERE at < ?1 AND seq IN (SELECT seq FROM admin_audit ORDER BY seq LIMIT 2000)",
        params![to_micros(before)],
    )?;
    Ok(())
}

/// When the last of them was made.
pub(crate) fn newest(db: &Connection) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT (SELECT at FROM admin_audit ORDER BY seq DESC LIMIT 1)";
    let at: Option<i64> = query::one(db, sql, [], |row| row.get(0))?;
    Ok(at.map(from_micros))
}

/// At most `limit` of the `wanted`, the newest first.
pub(crate) fn list(db: &Connection, wanted: &Wanted, limit: i64) -> Result<Vec<Kept>, Fault> {
    let (sql, mut values) = wanted.condition();
    values.push(SqlValue::Integer(limit));
    let sql = [
        "SELECT seq, id, at, action, status, service, service_name, initiator_id, initiator_name, project_id, \
         project_name, domain_id, domain_name, address, agent, target_type, target_id, target_name, request_id, path \
         FROM admin_audit WHERE ",
        &sql,
        " ORDER BY seq DESC LIMIT ?",
    ]
    .concat();
    Ok(query::query_all(db, &sql, &query::bind(values), kept)?)
}

impl Wanted {
    /// As SQL of fixed parts.
    fn condition(&self) -> (String, Vec<SqlValue>) {
        let (mut parts, mut values) = (vec!["1"], Vec::new());
        let mut add = |sql: &'static str, bound: Vec<SqlValue>| {
            parts.push(sql);
            values.extend(bound);
        };
        let text = |text: &String| SqlValue::Text(text.clone());
        let time = |at: &Timestamp| SqlValue::Integer(to_micros(*at));
        if let Some(user) = &self.user {
            add("(initiator_id = ? OR initiator_name = ?)", vec![text(user), text(user)]);
        }
        if let Some(project) = &self.project {
            add("(project_id = ? OR project_name = ?)", vec![text(project), text(project)]);
        }
        if let Some(action) = &self.action {
            add("(action = ? OR substr(action, 1, length(?) + 1) = ? || '/')", vec![text(action); 3]);
        }
        match self.succeeded {
            Some(true) => add("status < 400", Vec::new()),
            Some(false) => add("status >= 400", Vec::new()),
            None => {}
        }
        if let Some(service) = &self.service {
            add("(service = ? OR service_name = ?)", vec![text(service), text(service)]);
        }
        if let Some(target) = &self.target {
            add("(target_id = ? OR target_name = ?)", vec![text(target), text(target)]);
        }
        if let Some(request_id) = &self.request_id {
            add("request_id = ?", vec![text(request_id)]);
        }
        if let Some(since) = &self.since {
            add("at >= ?", vec![time(since)]);
        }
        if let Some(until) = &self.until {
            add("at < ?", vec![time(until)]);
        }
        if let Some(before) = self.before {
            add("seq < ?", vec![SqlValue::Integer(before)]);
        }
        (parts.join(" AND "), values)
    }
}

fn kept(row: &Row<'_>) -> store::rusqlite::Result<Kept> {
    let party = |id: &str, name: &str| -> store::rusqlite::Result<Party> {
        Ok(Party { id: row.get(id)?, name: row.get(name)? })
    };
    let address: Option<String> = row.get("address")?;
    let request_id: String = row.get("request_id")?;
    Ok(Kept {
        seq: row.get("seq")?,
        id: row.get("id")?,
        event: Event {
            at: from_micros(row.get("at")?),
            action: row.get("action")?,
            status: row.get("status")?,
            initiator: party("initiator_id", "initiator_name")?,
            project: party("project_id", "project_name")?,
            domain: party("domain_id", "domain_name")?,
            address: address.and_then(|address| address.parse().ok()),
            agent: row.get("agent")?,
            target_type: row.get("target_type")?,
            target: party("target_id", "target_name")?,
            service: row.get::<_, String>("service")?.into(),
            service_name: row.get::<_, String>("service_name")?.into(),
            request_id: request_id.into(),
            path: row.get("path")?,
        },
    })
}
