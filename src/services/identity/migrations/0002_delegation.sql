-- What users hand on: application credentials with their access rules, trusts; and credentials that they keep here.

CREATE TABLE identity_application_credentials (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    project_id   TEXT NOT NULL REFERENCES identity_projects (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    secret_hash  TEXT NOT NULL,
    description  TEXT,
    expires_at   INTEGER,
    unrestricted INTEGER NOT NULL CHECK (unrestricted IN (0, 1)),
    UNIQUE (user_id, name)
) STRICT;
CREATE INDEX identity_application_credentials_project ON identity_application_credentials (project_id);

CREATE TABLE identity_application_credential_roles (
    application_credential_id TEXT NOT NULL REFERENCES identity_application_credentials (id) ON DELETE CASCADE,
    role_id                   TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    PRIMARY KEY (application_credential_id, role_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_application_credential_roles_role ON identity_application_credential_roles (role_id);

CREATE TABLE identity_access_rules (
    id      TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    service TEXT NOT NULL,
    method  TEXT NOT NULL,
    path    TEXT NOT NULL,
    UNIQUE (user_id, service, method, path)
) STRICT;

-- A rule in use cannot be deleted.
CREATE TABLE identity_application_credential_access_rules (
    application_credential_id TEXT NOT NULL REFERENCES identity_application_credentials (id) ON DELETE CASCADE,
    access_rule_id            TEXT NOT NULL REFERENCES identity_access_rules (id),
    PRIMARY KEY (application_credential_id, access_rule_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_application_credential_access_rules_rule
    ON identity_application_credential_access_rules (access_rule_id);

-- A trust goes with whoever gave it, whoever was given it, where it is for, what it was made from, and any of its roles.
CREATE TABLE identity_trusts (
    id                   TEXT PRIMARY KEY,
    trustor_user_id      TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    trustee_user_id      TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    project_id           TEXT REFERENCES identity_projects (id) ON DELETE CASCADE,
    impersonation        INTEGER NOT NULL CHECK (impersonation IN (0, 1)),
    expires_at           INTEGER,
    remaining_uses       INTEGER CHECK (remaining_uses >= 0),
    redelegation_count   INTEGER NOT NULL CHECK (redelegation_count >= 0),
    redelegated_trust_id TEXT REFERENCES identity_trusts (id) ON DELETE CASCADE,
    extra                TEXT NOT NULL
) STRICT;
CREATE INDEX identity_trusts_trustor ON identity_trusts (trustor_user_id);
CREATE INDEX identity_trusts_trustee ON identity_trusts (trustee_user_id);
CREATE INDEX identity_trusts_project ON identity_trusts (project_id);
CREATE INDEX identity_trusts_redelegated ON identity_trusts (redelegated_trust_id);

CREATE TABLE identity_trust_roles (
    trust_id TEXT NOT NULL REFERENCES identity_trusts (id) ON DELETE CASCADE,
    role_id  TEXT NOT NULL REFERENCES identity_roles (id) ON DELETE CASCADE,
    PRIMARY KEY (trust_id, role_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_trust_roles_role ON identity_trust_roles (role_id);
CREATE TRIGGER identity_trust_roles_gone AFTER DELETE ON identity_trust_roles BEGIN
    DELETE FROM identity_trusts WHERE id = OLD.trust_id;
END;

-- blob is sealed with the key key_id. An EC2 credential's id is the SHA-256 of its access key.
CREATE TABLE identity_credentials (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    project_id TEXT REFERENCES identity_projects (id) ON DELETE CASCADE,
    type       TEXT NOT NULL,
    blob       BLOB NOT NULL,
    key_id     INTEGER NOT NULL,
    extra      TEXT NOT NULL
) STRICT;
CREATE INDEX identity_credentials_user ON identity_credentials (user_id, type);
CREATE INDEX identity_credentials_project ON identity_credentials (project_id);
CREATE INDEX identity_credentials_key ON identity_credentials (key_id);

-- The last time step whose passcode was accepted: none is accepted twice.
CREATE TABLE identity_used_passcodes (
    credential_id TEXT PRIMARY KEY REFERENCES identity_credentials (id) ON DELETE CASCADE,
    step          INTEGER NOT NULL
) STRICT;
