//! Many servers without building them: copies of one server's row, on a host that nobody serves.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

/// Copies the one server in the database below `data_dir` until there are `count`, each with the columns that `changed`
/// gives it: pairs of a column and SQL.
pub fn make(data_dir: &Path, count: i64, changed: &[(&str, &str)]) {
    let db = Connection::open(data_dir.join("cloudbox.db")).expect("the database");
    db.busy_timeout(Duration::from_secs(30)).expect("a setting");
    let columns: Vec<String> = db
        .prepare("SELECT name FROM pragma_table_info('compute_instances') WHERE name <> 'number'")
        .expect("a statement")
        .query_map([], |row| row.get(0))
        .expect("rows")
        .collect::<Result<_, _>>()
        .expect("names");
    let value = |column: &String| match changed.iter().find(|(name, _)| name == column) {
        Some((_, sql)) => (*sql).to_owned(),
        None if column == "id" => "printf('%08x-0000-4000-8000-000000000000', n)".to_owned(),
        // One a second, so that the order by time is an order.
        None if column == "created_at" => "created_at - n * 1000000".to_owned(),
        None => column.clone(),
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    let sql = format!(
        "WITH RECURSIVE counter (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < ?),
         first AS (SELECT * FROM compute_instances ORDER BY number LIMIT 1)
         INSERT INTO compute_instances ({}) SELECT {} FROM first, counter",
        columns.join(", "),
        values.join(", ")
    );
    db.execute(&sql, [count - 1]).expect("the copies");
}
