-- Beside: 0001
-- What questions to an app's resolve_url are signed with, by the app's number. Sealed by the vault.
CREATE TABLE IF NOT EXISTS resolve_secrets (
  number        BIGINT NOT NULL PRIMARY KEY,  -- the app's
  version       BIGINT NOT NULL,
  secret_sealed VARBINARY(1024) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
