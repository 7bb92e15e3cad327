-- What was put on record of logins and changes. `seq` is the order; a page begins at one.
CREATE TABLE admin_audit (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    status INTEGER NOT NULL,
    service TEXT NOT NULL,
    service_name TEXT NOT NULL,
    initiator_id TEXT,
    initiator_name TEXT,
    project_id TEXT,
    project_name TEXT,
    domain_id TEXT,
    domain_name TEXT,
    address TEXT,
    agent TEXT,
    target_type TEXT NOT NULL,
    target_id TEXT,
    target_name TEXT,
    request_id TEXT NOT NULL,
    path TEXT NOT NULL
) STRICT;
CREATE INDEX admin_audit_initiator ON admin_audit (initiator_id, seq);
CREATE INDEX admin_audit_project ON admin_audit (project_id, seq);
CREATE INDEX admin_audit_request ON admin_audit (request_id);
