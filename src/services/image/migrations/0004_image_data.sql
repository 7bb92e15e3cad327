-- What an import under way, or the last one, left to be seen: Glance's os_glance_* properties.
ALTER TABLE image_images ADD COLUMN import_task TEXT;
ALTER TABLE image_images ADD COLUMN importing_to TEXT;
ALTER TABLE image_images ADD COLUMN failed_import TEXT;

-- Which stores hold an image's bytes. Within a store they are named by their SHA-512: equal bytes are there once.
CREATE TABLE image_locations (
    id       INTEGER PRIMARY KEY,
    image_id TEXT NOT NULL REFERENCES image_images (id) ON DELETE CASCADE,
    store    TEXT NOT NULL,
    sha512   TEXT NOT NULL,
    UNIQUE (image_id, store)
) STRICT;
CREATE INDEX image_locations_content ON image_locations (store, sha512);

-- The images whose bytes are staged, whole.
CREATE TABLE image_staged (
    image_id TEXT PRIMARY KEY REFERENCES image_images (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Tasks outlive their images.
CREATE TABLE image_tasks (
    id         TEXT PRIMARY KEY,
    type       TEXT NOT NULL,
    status     TEXT NOT NULL,
    owner      TEXT,
    image_id   TEXT,
    user_id    TEXT,
    request_id TEXT,
    input      TEXT NOT NULL,
    result     TEXT,
    message    TEXT NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX image_tasks_created ON image_tasks (created_at, id);
CREATE INDEX image_tasks_image ON image_tasks (image_id);
CREATE INDEX image_tasks_expires ON image_tasks (expires_at);

CREATE TABLE image_journals (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
