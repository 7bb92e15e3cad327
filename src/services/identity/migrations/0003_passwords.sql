-- What Keystone's security_compliance needs to know of a password and of the logins with it. Activity is kept by the day.
ALTER TABLE identity_users ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE identity_users ADD COLUMN last_active_at INTEGER;
ALTER TABLE identity_users ADD COLUMN password_created_at INTEGER;
ALTER TABLE identity_users ADD COLUMN password_expires_at INTEGER;
ALTER TABLE identity_users ADD COLUMN password_self_service INTEGER NOT NULL DEFAULT 0
    CHECK (password_self_service IN (0, 1));
ALTER TABLE identity_users ADD COLUMN failed_logins INTEGER NOT NULL DEFAULT 0;
ALTER TABLE identity_users ADD COLUMN last_failed_login_at INTEGER;
UPDATE identity_users SET created_at = tokens_valid_since;
UPDATE identity_users SET password_created_at = tokens_valid_since WHERE password_hash IS NOT NULL;
CREATE INDEX identity_users_default_project ON identity_users (default_project_id);

-- As many of a user's former passwords as a new one must differ from; the newest has the largest id.
CREATE TABLE identity_old_passwords (
    id      INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES identity_users (id) ON DELETE CASCADE,
    hash    TEXT NOT NULL
) STRICT;
CREATE INDEX identity_old_passwords_user ON identity_old_passwords (user_id);

-- The latest moment that a token was issued or revoked at (one row): time goes on from there where the clock was set back.
CREATE TABLE identity_moments (
    latest INTEGER NOT NULL
) STRICT;
