-- Beside: 0001
-- Keys of WeChat's API signing and encryption, of the apps that have them.
CREATE TABLE app_signing (
  number      BIGINT NOT NULL PRIMARY KEY,  -- the app's
  version     BIGINT NOT NULL,
  keys_sealed BLOB   NOT NULL
);
