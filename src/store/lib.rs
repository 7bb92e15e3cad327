//! The embedded database: one writer, many readers, migrations, backup.
