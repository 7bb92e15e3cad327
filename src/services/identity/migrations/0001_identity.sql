-- Domains are projects that act as one (is_domain = 1, no domain_id), as in Keystone.
CREATE TABLE identity_projects (
    id                 TEXT PRIMARY KEY,
    name               TEXT NOT NULL,
    domain_id          TEXT REFERENCES identity_projects (id),
    parent_id          TEXT REFERENCES identity_projects (id),
    is_domain          INTEGER NOT NULL CHECK (is_domain IN (0, 1)),
    description        TEXT,
    enabled            INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    tags               TEXT NOT NULL,
    options            TEXT NOT NULL,
    extra              TEXT NOT NULL,
    tokens_valid_since INTEGER NOT NULL,
    CHECK ((is_domain = 1) = (domain_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX identity_projects_name ON identity_projects (ifnull(domain_id, ''), name);
CREATE INDEX identity_projects_parent ON identity_projects (parent_id);

CREATE TABLE identity_users (
    id                 TEXT PRIMARY KEY,
    domain_id          TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    name               TEXT NOT NULL,
    enabled            INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    default_project_id TEXT,
    password_hash      TEXT,
    options            TEXT NOT NULL,
    extra              TEXT NOT NULL,
    tokens_valid_since INTEGER NOT NULL,
    UNIQUE (domain_id, name)
) STRICT;

CREATE TABLE identity_roles (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    domain_id   TEXT REFERENCES identity_projects (id) ON DELETE CASCADE,
    description TEXT,
    options     TEXT NOT NULL,
    extra       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX identity_roles_name ON identity_roles (ifnull(domain_id, ''), name);

CREATE TABLE identity_implied_roles (
    prior_role_id   TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    implied_role_id TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    PRIMARY KEY (prior_role_id, implied_role_id)
) STRICT, WITHOUT ROWID;

-- target_id is NULL for the system.
CREATE TABLE identity_assignments (
    user_id     TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    role_id     TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    target_kind TEXT NOT NULL CHECK (target_kind IN ('project', 'domain', 'system')),
    target_id   TEXT REFERENCES identity_projects (id) ON DELETE CASCADE,
    CHECK ((target_kind = 'system') = (target_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX identity_assignments_key
    ON identity_assignments (user_id, target_kind, ifnull(target_id, ''), role_id);
CREATE INDEX identity_assignments_target ON identity_assignments (target_id);
CREATE INDEX identity_assignments_role ON identity_assignments (role_id);

CREATE TABLE identity_regions (
    id               TEXT PRIMARY KEY,
    description      TEXT NOT NULL,
    parent_region_id TEXT REFERENCES identity_regions (id),
    extra            TEXT NOT NULL
) STRICT;

CREATE TABLE identity_services (
    id      TEXT PRIMARY KEY,
    type    TEXT NOT NULL,
    name    TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    extra   TEXT NOT NULL
) STRICT;

-- managed_path is what follows the public URL in an endpoint that cloudbox keeps up to date itself.
CREATE TABLE identity_endpoints (
    id           TEXT PRIMARY KEY,
    service_id   TEXT NOT NULL REFERENCES identity_services (id) ON DELETE CASCADE,
    interface    TEXT NOT NULL CHECK (interface IN ('admin', 'internal', 'public')),
    region_id    TEXT REFERENCES identity_regions (id),
    url          TEXT NOT NULL,
    enabled      INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    managed_path TEXT,
    extra        TEXT NOT NULL
) STRICT;
CREATE INDEX identity_endpoints_service ON identity_endpoints (service_id);

CREATE TABLE identity_revoked_tokens (
    audit_id   TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;
