CREATE TABLE image_metadef_namespaces (
    id           INTEGER PRIMARY KEY,
    namespace    TEXT NOT NULL UNIQUE,
    display_name TEXT,
    description  TEXT,
    visibility   TEXT NOT NULL,
    protected    INTEGER NOT NULL,
    owner        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX image_metadef_namespaces_created ON image_metadef_namespaces (created_at, id);
CREATE INDEX image_metadef_namespaces_owner ON image_metadef_namespaces (owner);

CREATE TABLE image_metadef_objects (
    id           INTEGER PRIMARY KEY,
    namespace_id INTEGER NOT NULL REFERENCES image_metadef_namespaces (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    description  TEXT,
    required     TEXT NOT NULL,
    properties   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    UNIQUE (namespace_id, name)
) STRICT;

CREATE TABLE image_metadef_properties (
    id           INTEGER PRIMARY KEY,
    namespace_id INTEGER NOT NULL REFERENCES image_metadef_namespaces (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    definition   TEXT NOT NULL,
    UNIQUE (namespace_id, name)
) STRICT;

CREATE TABLE image_metadef_tags (
    id           INTEGER PRIMARY KEY,
    namespace_id INTEGER NOT NULL REFERENCES image_metadef_namespaces (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    UNIQUE (namespace_id, name)
) STRICT;

CREATE TABLE image_metadef_resource_types (
    name       TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE image_metadef_associations (
    namespace_id      INTEGER NOT NULL REFERENCES image_metadef_namespaces (id) ON DELETE CASCADE,
    resource_type     TEXT NOT NULL REFERENCES image_metadef_resource_types (name),
    prefix            TEXT,
    properties_target TEXT,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    PRIMARY KEY (namespace_id, resource_type)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_metadef_associations_type ON image_metadef_associations (resource_type);

-- The definitions that came with cloudbox and were loaded once: what an administrator deleted since does not come back.
CREATE TABLE image_metadef_loaded (
    namespace TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
