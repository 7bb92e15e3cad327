-- The images that the cache holds, or (without a hash) is asked to hold.
CREATE TABLE image_cache (
    id            INTEGER PRIMARY KEY,
    image_id      TEXT NOT NULL UNIQUE REFERENCES image_images (id) ON DELETE CASCADE,
    sha512        TEXT,
    size          INTEGER NOT NULL DEFAULT 0,
    hits          INTEGER NOT NULL DEFAULT 0,
    queued_at     INTEGER NOT NULL,
    last_accessed INTEGER,
    last_modified INTEGER
) STRICT;
