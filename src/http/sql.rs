//! Conditions for SQL: text made of static column names only, and values to bind.
//!
//! No SQL is run here and no SQL crate is used; a service hands [`Condition`]s to its `db`.

pub use kit::sql::SqlValue;

/// A boolean SQL expression with `?` for each of its values, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The expression. It can stand alone after `WHERE`.
    pub sql: String,
    /// What to bind.
    pub values: Vec<SqlValue>,
}

impl Condition {
    /// Holds for every row.
    #[must_use]
    pub fn all() -> Self {
        Self { sql: "1".to_owned(), values: Vec::new() }
    }

    /// Holds for no row.
    #[must_use]
    pub fn none() -> Self {
        Self { sql: "0".to_owned(), values: Vec::new() }
    }

    /// `sql` with `values`.
    #[must_use]
    pub fn new(sql: impl Into<String>, values: impl IntoIterator<Item = SqlValue>) -> Self {
        Self { sql: sql.into(), values: values.into_iter().collect() }
    }

    /// `column` is `value` (`NULL` is `NULL`).
    #[must_use]
    pub fn is(column: &'static str, value: impl Into<SqlValue>) -> Self {
        Self::new(format!("{column} IS ?"), [value.into()])
    }

    /// `column` is one of `values`.
    #[must_use]
    pub fn is_in(column: &'static str, values: impl IntoIterator<Item = SqlValue>) -> Self {
        let values: Vec<_> = values.into_iter().collect();
        match values.len() {
            0 => Self::none(),
            1 => Self { sql: format!("{column} IS ?"), values },
            count => Self { sql: format!("{column} IN ({})", vec!["?"; count].join(", ")), values },
        }
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self.sql == "1" {
            return other;
        }
        if other.sql == "1" {
            return self;
        }
        Self::join(self, other, "AND")
    }

    /// At least one holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::join(self, other, "OR")
    }

    fn join(mut left: Self, right: Self, operator: &str) -> Self {
        left.sql = format!("({}) {operator} ({})", left.sql, right.sql);
        left.values.extend(right.values);
        left
    }
}
