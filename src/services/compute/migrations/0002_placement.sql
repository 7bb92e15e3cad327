-- What hosts offer and what servers have been promised of it, unfinished work of agents, and what guests keep here.

-- A host as a resource provider: its id is the host's. The generation grows with every change of what it offers or has promised.
CREATE TABLE compute_providers (
    uuid       TEXT PRIMARY KEY REFERENCES compute_hosts (uuid) ON DELETE CASCADE,
    generation INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What a provider offers of a class. `used` is the sum of its allocations: the triggers below see to that.
CREATE TABLE compute_inventories (
    provider         TEXT NOT NULL REFERENCES compute_providers (uuid) ON DELETE CASCADE,
    resource_class   TEXT NOT NULL,
    total            INTEGER NOT NULL,
    reserved         INTEGER NOT NULL,
    allocation_ratio REAL NOT NULL,
    used             INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (provider, resource_class)
) STRICT;

-- What a consumer (a server) has been promised.
CREATE TABLE compute_allocations (
    consumer       TEXT NOT NULL,
    provider       TEXT NOT NULL,
    resource_class TEXT NOT NULL,
    used           INTEGER NOT NULL CHECK (used > 0),
    PRIMARY KEY (consumer, provider, resource_class),
    FOREIGN KEY (provider, resource_class) REFERENCES compute_inventories (provider, resource_class)
) STRICT;
CREATE INDEX compute_allocations_by_provider ON compute_allocations (provider, consumer);

CREATE TRIGGER compute_allocations_added AFTER INSERT ON compute_allocations BEGIN
    UPDATE compute_inventories SET used = used + NEW.used
        WHERE provider = NEW.provider AND resource_class = NEW.resource_class;
    UPDATE compute_providers SET generation = generation + 1 WHERE uuid = NEW.provider;
END;
CREATE TRIGGER compute_allocations_removed AFTER DELETE ON compute_allocations BEGIN
    UPDATE compute_inventories SET used = used - OLD.used
        WHERE provider = OLD.provider AND resource_class = OLD.resource_class;
    UPDATE compute_providers SET generation = generation + 1 WHERE uuid = OLD.provider;
END;

-- Hosts on which a server's build has failed; they are not tried again.
CREATE TABLE compute_failed_attempts (
    instance_id TEXT NOT NULL REFERENCES compute_instances (id) ON DELETE CASCADE,
    host        TEXT NOT NULL,
    PRIMARY KEY (instance_id, host)
) STRICT;

-- What a guest keeps here: the seed of its random numbers, and the password that it posted (encrypted by the guest).
CREATE TABLE compute_guest_data (
    instance_id TEXT PRIMARY KEY REFERENCES compute_instances (id) ON DELETE CASCADE,
    seed        BLOB NOT NULL,
    password    TEXT
) STRICT;

-- Unfinished workflows of compute agents, as they wrote them.
CREATE TABLE compute_journals (
    id      TEXT PRIMARY KEY,
    host    TEXT NOT NULL,
    kind    TEXT NOT NULL,
    subject TEXT NOT NULL,
    body    TEXT NOT NULL
) STRICT;
CREATE INDEX compute_journals_by_host ON compute_journals (host, subject);

-- A server that is deleted, by whomever, holds nothing.
CREATE TRIGGER compute_instances_deleted AFTER UPDATE OF deleted_at ON compute_instances
WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL BEGIN
    DELETE FROM compute_allocations WHERE consumer = NEW.id;
    DELETE FROM compute_failed_attempts WHERE instance_id = NEW.id;
    DELETE FROM compute_guest_data WHERE instance_id = NEW.id;
END;
