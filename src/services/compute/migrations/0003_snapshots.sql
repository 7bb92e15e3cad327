-- What images of a server need to know: of whom and of what it was made (JSON), and the image that is being made of it.

ALTER TABLE compute_instances ADD COLUMN origin TEXT NOT NULL DEFAULT '{}';
ALTER TABLE compute_instances ADD COLUMN snapshot_image TEXT;
