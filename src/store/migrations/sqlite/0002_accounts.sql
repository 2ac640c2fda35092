-- Beside: 0001
-- What questions to an app's resolve_url are signed with, by the app's number. Sealed by the vault.
CREATE TABLE IF NOT EXISTS resolve_secrets (
  number        BIGINT NOT NULL PRIMARY KEY,  -- the app's
  version       BIGINT NOT NULL,
  secret_sealed BLOB   NOT NULL
) WITHOUT ROWID;
