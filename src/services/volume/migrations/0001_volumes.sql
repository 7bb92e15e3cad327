CREATE TABLE volume_types (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    description TEXT,
    is_public   INTEGER NOT NULL,
    extra_specs TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE volume_volumes (
    id                TEXT PRIMARY KEY,
    project_id        TEXT NOT NULL,
    user_id           TEXT NOT NULL,
    name              TEXT,
    description       TEXT,
    size_gb           INTEGER NOT NULL,
    status            TEXT NOT NULL,
    volume_type_id    TEXT NOT NULL REFERENCES volume_types (id),
    availability_zone TEXT NOT NULL,
    bootable          INTEGER NOT NULL,
    multiattach       INTEGER NOT NULL,
    image_id          TEXT,
    image_metadata    TEXT NOT NULL,
    metadata          TEXT NOT NULL,
    host              TEXT,
    backend           TEXT,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER
) STRICT;
CREATE INDEX volume_volumes_created ON volume_volumes (created_at, id);
CREATE INDEX volume_volumes_project ON volume_volumes (project_id, created_at, id);
CREATE INDEX volume_volumes_host ON volume_volumes (host);

CREATE TABLE volume_attachments (
    id          TEXT PRIMARY KEY,
    volume_id   TEXT NOT NULL REFERENCES volume_volumes (id) ON DELETE CASCADE,
    server_id   TEXT,
    status      TEXT NOT NULL,
    host        TEXT,
    device      TEXT,
    connection  TEXT,
    created_at  INTEGER NOT NULL,
    attached_at INTEGER
) STRICT;
CREATE INDEX volume_attachments_volume ON volume_attachments (volume_id);

CREATE TABLE volume_quotas (
    project_id TEXT NOT NULL,
    resource   TEXT NOT NULL,
    hard_limit INTEGER NOT NULL,
    PRIMARY KEY (project_id, resource)
) STRICT, WITHOUT ROWID;

CREATE TABLE volume_agents (
    host      TEXT PRIMARY KEY,
    backend   TEXT NOT NULL,
    total_gb  INTEGER NOT NULL,
    free_gb   INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
) STRICT;

CREATE TABLE volume_journals (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
