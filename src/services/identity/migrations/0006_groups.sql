CREATE TABLE identity_groups (
    id          TEXT PRIMARY KEY,
    domain_id   TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    description TEXT,
    extra       TEXT NOT NULL,
    UNIQUE (domain_id, name)
) STRICT;

CREATE TABLE identity_group_members (
    group_id TEXT NOT NULL REFERENCES identity_groups (id) ON DELETE CASCADE,
    user_id  TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_group_members_user ON identity_group_members (user_id);

-- A role is given to a user or a group, on a place itself or (inherited) on the projects below it.
ALTER TABLE identity_assignments RENAME TO identity_assignments_of_users;
CREATE TABLE identity_assignments (
    user_id     TEXT REFERENCES identity_users (id) ON DELETE CASCADE,
    group_id    TEXT REFERENCES identity_groups (id) ON DELETE CASCADE,
    role_id     TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    target_kind TEXT NOT NULL CHECK (target_kind IN ('project', 'domain', 'system')),
    target_id   TEXT REFERENCES identity_projects (id) ON DELETE CASCADE,
    inherited   INTEGER NOT NULL CHECK (inherited IN (0, 1)),
    CHECK ((user_id IS NULL) <> (group_id IS NULL)),
    CHECK ((target_kind = 'system') = (target_id IS NULL)),
    CHECK (inherited = 0 OR target_id IS NOT NULL)
) STRICT;
INSERT INTO identity_assignments (user_id, role_id, target_kind, target_id, inherited)
    SELECT user_id, role_id, target_kind, target_id, 0 FROM identity_assignments_of_users;
DROP TABLE identity_assignments_of_users;
CREATE UNIQUE INDEX identity_assignments_user
    ON identity_assignments (user_id, ifnull(target_id, ''), target_kind, inherited, role_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX identity_assignments_group
    ON identity_assignments (group_id, ifnull(target_id, ''), target_kind, inherited, role_id) WHERE group_id IS NOT NULL;
CREATE INDEX identity_assignments_target ON identity_assignments (target_id);
CREATE INDEX identity_assignments_role ON identity_assignments (role_id);
CREATE INDEX identity_assignments_inherited ON identity_assignments (target_id) WHERE inherited = 1;

CREATE TABLE identity_registered_limits (
    id            TEXT PRIMARY KEY,
    service_id    TEXT NOT NULL REFERENCES identity_services (id) ON DELETE CASCADE,
    region_id     TEXT REFERENCES identity_regions (id) ON DELETE CASCADE,
    resource_name TEXT NOT NULL,
    default_limit INTEGER NOT NULL,
    description   TEXT
) STRICT;
CREATE UNIQUE INDEX identity_registered_limits_key
    ON identity_registered_limits (service_id, ifnull(region_id, ''), resource_name);

-- The limit of one project, or of one domain.
CREATE TABLE identity_limits (
    id                  TEXT PRIMARY KEY,
    registered_limit_id TEXT NOT NULL REFERENCES identity_registered_limits (id) ON DELETE CASCADE,
    project_id          TEXT REFERENCES identity_projects (id) ON DELETE CASCADE,
    domain_id           TEXT REFERENCES identity_projects (id) ON DELETE CASCADE,
    resource_limit      INTEGER NOT NULL,
    description         TEXT,
    CHECK ((project_id IS NULL) <> (domain_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX identity_limits_key ON identity_limits (registered_limit_id, ifnull(project_id, domain_id));
CREATE INDEX identity_limits_project ON identity_limits (project_id);
CREATE INDEX identity_limits_domain ON identity_limits (domain_id);
