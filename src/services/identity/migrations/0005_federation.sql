CREATE TABLE identity_providers (
    id                TEXT PRIMARY KEY,
    domain_id         TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    enabled           INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    description       TEXT,
    authorization_ttl INTEGER
) STRICT;
CREATE INDEX identity_providers_domain ON identity_providers (domain_id);

CREATE TABLE identity_provider_remote_ids (
    remote_id TEXT PRIMARY KEY,
    idp_id    TEXT NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX identity_provider_remote_ids_idp ON identity_provider_remote_ids (idp_id);

CREATE TABLE identity_mappings (
    id             TEXT PRIMARY KEY,
    schema_version TEXT NOT NULL,
    rules          TEXT NOT NULL
) STRICT;

-- A mapping can be taken away while a protocol names it: nobody can log in by that protocol then.
CREATE TABLE identity_protocols (
    idp_id              TEXT NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    id                  TEXT NOT NULL,
    mapping_id          TEXT NOT NULL,
    remote_id_attribute TEXT,
    PRIMARY KEY (idp_id, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE identity_service_providers (
    id                 TEXT PRIMARY KEY,
    enabled            INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    description        TEXT,
    auth_url           TEXT NOT NULL,
    sp_url             TEXT NOT NULL,
    relay_state_prefix TEXT NOT NULL
) STRICT;

-- Who a user is at an identity provider. shadow = 1: the user was made by logging in, and goes with the last of these.
CREATE TABLE identity_federated_users (
    idp_id       TEXT NOT NULL,
    protocol_id  TEXT NOT NULL,
    unique_id    TEXT NOT NULL,
    user_id      TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    display_name TEXT,
    shadow       INTEGER NOT NULL CHECK (shadow IN (0, 1)),
    PRIMARY KEY (idp_id, protocol_id, unique_id),
    FOREIGN KEY (idp_id, protocol_id) REFERENCES identity_protocols (idp_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX identity_federated_users_user ON identity_federated_users (user_id);

CREATE TRIGGER identity_federated_users_gone AFTER DELETE ON identity_federated_users WHEN old.shadow = 1
BEGIN
    DELETE FROM identity_users
    WHERE id = old.user_id AND NOT EXISTS (SELECT 1 FROM identity_federated_users f WHERE f.user_id = old.user_id);
END;

-- The groups that an identity provider said at the last login that a user is in.
CREATE TABLE identity_federated_memberships (
    user_id     TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    group_id    TEXT NOT NULL,
    idp_id      TEXT NOT NULL REFERENCES identity_providers (id) ON DELETE CASCADE,
    verified_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, idp_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_federated_memberships_group ON identity_federated_memberships (group_id);

-- The secrets of consumers and tokens are not stored: they are made of the ids with a key that is not in this file.
CREATE TABLE identity_consumers (
    id          TEXT PRIMARY KEY,
    description TEXT,
    extra       TEXT NOT NULL
) STRICT;

-- verifier is a keyed digest of what the user is told.
CREATE TABLE identity_oauth1_request_tokens (
    id          TEXT PRIMARY KEY,
    consumer_id TEXT NOT NULL REFERENCES identity_consumers (id) ON DELETE CASCADE,
    project_id  TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    verifier    TEXT,
    user_id     TEXT REFERENCES identity_users (id) ON DELETE CASCADE,
    role_ids    TEXT NOT NULL,
    expires_at  INTEGER,
    CHECK ((verifier IS NULL) = (user_id IS NULL))
) STRICT;
CREATE INDEX identity_oauth1_request_tokens_consumer ON identity_oauth1_request_tokens (consumer_id);

CREATE TABLE identity_oauth1_access_tokens (
    id          TEXT PRIMARY KEY,
    consumer_id TEXT NOT NULL REFERENCES identity_consumers (id) ON DELETE CASCADE,
    project_id  TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    user_id     TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    role_ids    TEXT NOT NULL,
    expires_at  INTEGER
) STRICT;
CREATE INDEX identity_oauth1_access_tokens_user ON identity_oauth1_access_tokens (user_id);
CREATE INDEX identity_oauth1_access_tokens_consumer ON identity_oauth1_access_tokens (consumer_id);
