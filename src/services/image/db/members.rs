//! The table `image_members`.

use kit::Timestamp;
use kit::ids::{ImageId, ProjectId};
use kit::time::{from_micros, to_micros};
use store::{Connection, Error, Row, params, query};

use crate::domain::member::{Member, MemberStatus};

const COLUMNS: &str = "image_id, member_id, status, created_at, updated_at";

/// The members of `image`, the first to be made first.
pub fn list(db: &Connection, image: &ImageId) -> Result<Vec<Member>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM image_members WHERE image_id = ?1 ORDER BY created_at, member_id");
    query::all(db, &sql, [image.as_str()], from_row)
}

/// The member `member` of `image`.
pub fn get(db: &Connection, image: &ImageId, member: &ProjectId) -> Result<Option<Member>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM image_members WHERE image_id = ?1 AND member_id = ?2");
    query::opt(db, &sql, [image.as_str(), member.as_str()], from_row)
}

/// How many members `image` has.
pub fn count(db: &Connection, image: &ImageId) -> Result<i64, Error> {
    let sql = "SELECT count(*) FROM image_members WHERE image_id = ?1";
    query::one(db, sql, [image.as_str()], |row| row.get(0))
}

/// Adds a member.
pub fn insert(db: &Connection, member: &Member) -> Result<(), Error> {
    let sql =
        "INSERT INTO image_members (image_id, member_id, status, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let (created, updated) = (to_micros(member.created_at), to_micros(member.updated_at));
    let values = params![member.image_id.as_str(), member.member_id.as_str(), member.status.as_str(), created, updated];
    query::execute(db, sql, values).map(|_| ())
}

/// Writes what a member said; whether there is such a member.
pub fn update(
    db: &Connection,
    image: &ImageId,
    member: &ProjectId,
    status: MemberStatus,
    now: Timestamp,
) -> Result<bool, Error> {
    let sql = "UPDATE image_members SET status = ?3, updated_at = ?4 WHERE image_id = ?1 AND member_id = ?2";
    Ok(query::execute(db, sql, params![image.as_str(), member.as_str(), status.as_str(), to_micros(now)])? > 0)
}

/// Takes a member away; whether there was one.
pub fn delete(db: &Connection, image: &ImageId, member: &ProjectId) -> Result<bool, Error> {
    let sql = "DELETE FROM image_members WHERE image_id = ?1 AND member_id = ?2";
    Ok(query::execute(db, sql, [image.as_str(), member.as_str()])? > 0)
}

fn from_row(row: &Row<'_>) -> store::rusqlite::Result<Member> {
    let status: String = row.get("status")?;
    Ok(Member {
        image_id: ImageId::new(row.get::<_, String>("image_id")?),
        member_id: ProjectId::new(row.get::<_, String>("member_id")?),
        status: MemberStatus::parse(&status).unwrap_or(MemberStatus::Pending),
        created_at: from_micros(row.get("created_at")?),
        updated_at: from_micros(row.get("updated_at")?),
    })
}
