-- Beside: 0001
-- Keys of WeChat's API signing and encryption, of the apps that have them.
CREATE TABLE IF NOT EXISTS app_signing (
  number      BIGINT           NOT NULL PRIMARY KEY,  -- the app's
  version     BIGINT           NOT NULL,
  keys_sealed VARBINARY(16384) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
