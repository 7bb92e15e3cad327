CREATE TABLE image_members (
    image_id   TEXT NOT NULL REFERENCES image_images (id) ON DELETE CASCADE,
    member_id  TEXT NOT NULL,
    status     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (image_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_members_member ON image_members (member_id, image_id);
CREATE INDEX image_images_visibility ON image_images (visibility, created_at, id);
CREATE INDEX image_properties_name ON image_properties (name, value);
CREATE INDEX image_tags_tag ON image_tags (tag, image_id);
