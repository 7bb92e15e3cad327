-- Endpoints that were chosen for a project: its tokens' catalog has no others.
CREATE TABLE identity_project_endpoints (
    project_id  TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    endpoint_id TEXT NOT NULL REFERENCES identity_endpoints (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, endpoint_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_project_endpoints_endpoint ON identity_project_endpoints (endpoint_id);

-- filters is an object of endpoints' attributes: who has all of them is in the group.
CREATE TABLE identity_endpoint_groups (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    description TEXT,
    filters     TEXT NOT NULL
) STRICT;

CREATE TABLE identity_project_endpoint_groups (
    project_id        TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    endpoint_group_id TEXT NOT NULL REFERENCES identity_endpoint_groups (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, endpoint_group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_project_endpoint_groups_group ON identity_project_endpoint_groups (endpoint_group_id);

-- Texts that services may fetch as their policy; identity does not read them.
CREATE TABLE identity_policies (
    id    TEXT PRIMARY KEY,
    type  TEXT NOT NULL,
    blob  TEXT NOT NULL,
    extra TEXT NOT NULL
) STRICT;

-- The policy of an endpoint, of a service, or of a service in a region.
CREATE TABLE identity_policy_associations (
    policy_id   TEXT NOT NULL REFERENCES identity_policies (id) ON DELETE CASCADE,
    endpoint_id TEXT REFERENCES identity_endpoints (id) ON DELETE CASCADE,
    service_id  TEXT REFERENCES identity_services (id) ON DELETE CASCADE,
    region_id   TEXT REFERENCES identity_regions (id) ON DELETE CASCADE,
    CHECK ((endpoint_id IS NULL) = (service_id IS NOT NULL)),
    CHECK (region_id IS NULL OR service_id IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX identity_policy_associations_place
    ON identity_policy_associations (ifnull(endpoint_id, ''), ifnull(service_id, ''), ifnull(region_id, ''));
CREATE INDEX identity_policy_associations_policy ON identity_policy_associations (policy_id);
CREATE INDEX identity_policy_associations_endpoint ON identity_policy_associations (endpoint_id);
CREATE INDEX identity_policy_associations_service ON identity_policy_associations (service_id);
CREATE INDEX identity_policy_associations_region ON identity_policy_associations (region_id);

-- value is JSON. A secret's is NULL: nothing here would use it, so only that it was set is kept.
CREATE TABLE identity_domain_settings (
    domain_id   TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    group_name  TEXT NOT NULL,
    option_name TEXT NOT NULL,
    value       TEXT,
    PRIMARY KEY (domain_id, group_name, option_name)
) STRICT, WITHOUT ROWID;

ALTER TABLE identity_revoked_tokens ADD COLUMN revoked_at INTEGER NOT NULL DEFAULT 0;
