-- Beside: 0001
-- Entry codes, their scans, and what is counted by the hour. Every statement can be run again, as in 0001_first.sql.

-- payload is a JSON text. admits: 0 everybody, 1 registered people only. uses: how many scans at most; NULL: no limit; used counts them there.
CREATE TABLE IF NOT EXISTS entry_codes (
  code         VARBINARY(64) NOT NULL PRIMARY KEY,
  version      BIGINT        NOT NULL,  -- of the row: of two scans that would be the last one, one is
  id           VARBINARY(16) NOT NULL,  -- begins with the time: the order of lists
  app          BIGINT        NOT NULL,
  payload      TEXT          NOT NULL,
  page         VARCHAR(255)  NOT NULL,
  env          BIGINT        NOT NULL,
  admits       BIGINT        NOT NULL,
  uses         BIGINT,
  used         BIGINT        NOT NULL,
  expires_at   BIGINT,
  disabled     BIGINT        NOT NULL,
  picture_hash VARBINARY(32),  -- of entry_pictures
  created_at   BIGINT        NOT NULL,
  KEY entry_codes_by_app (app, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What has been counted of a code, in lanes: those who write at the same time count in different rows, and the sum is what counts.
CREATE TABLE IF NOT EXISTS entry_counts (
  code      VARBINARY(64) NOT NULL,
  lane      BIGINT        NOT NULL,
  version   BIGINT        NOT NULL,
  scans     BIGINT        NOT NULL,
  new_users BIGINT        NOT NULL,
  guests    BIGINT        NOT NULL,
  PRIMARY KEY (code, lane)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Pictures of codes as the platform drew them, by SHA-256 of their bytes.
CREATE TABLE IF NOT EXISTS entry_pictures (
  hash VARBINARY(32) NOT NULL PRIMARY KEY,
  code VARBINARY(64) NOT NULL,
  type VARCHAR(255)  NOT NULL,
  body MEDIUMBLOB    NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row for each login by a code. registered and is_new_user: as of then.
CREATE TABLE IF NOT EXISTS entry_scans (
  session_id  VARBINARY(16) NOT NULL PRIMARY KEY,
  code        VARBINARY(64) NOT NULL,
  app         BIGINT        NOT NULL,
  user_id     VARBINARY(16) NOT NULL,
  scanned_at  BIGINT        NOT NULL,
  is_new_user BIGINT        NOT NULL,
  registered  BIGINT        NOT NULL,
  KEY entry_scans_by_code (code, session_id),
  KEY entry_scans_by_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What a node has counted for an app within an hour (hours since 1970): lines "name=value", and a sketch of who was active.
CREATE TABLE IF NOT EXISTS stats (
  app    BIGINT          NOT NULL,
  hour   BIGINT          NOT NULL,
  node   VARBINARY(16)   NOT NULL,
  counts TEXT            NOT NULL,
  active VARBINARY(4096) NOT NULL,
  PRIMARY KEY (app, hour, node),
  KEY stats_by_hour (hour)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
