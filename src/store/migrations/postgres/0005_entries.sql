-- Beside: 0001
-- Entry codes, their scans, and what is counted by the hour.

-- payload is a JSON text. admits: 0 everybody, 1 registered people only. uses: how many scans at most; NULL: no limit; used counts them there.
CREATE TABLE entry_codes (
  code         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  version      BIGINT           NOT NULL,  -- of the row: of two scans that would be the last one, one is
  id           BYTEA            NOT NULL,  -- begins with the time: the order of lists
  app          BIGINT           NOT NULL,
  payload      TEXT             NOT NULL,
  page         TEXT             NOT NULL,
  env          BIGINT           NOT NULL,
  admits       BIGINT           NOT NULL,
  uses         BIGINT,
  used         BIGINT           NOT NULL,
  expires_at   BIGINT,
  disabled     BIGINT           NOT NULL,
  picture_hash BYTEA,  -- of entry_pictures
  created_at   BIGINT           NOT NULL
);
CREATE INDEX entry_codes_by_app ON entry_codes (app, id);

-- What has been counted of a code, in lanes: those who write at the same time count in different rows, and the sum is what counts.
CREATE TABLE entry_counts (
  code      TEXT COLLATE "C" NOT NULL,
  lane      BIGINT           NOT NULL,
  version   BIGINT           NOT NULL,
  scans     BIGINT           NOT NULL,
  new_users BIGINT           NOT NULL,
  guests    BIGINT           NOT NULL,
  PRIMARY KEY (code, lane)
);

-- Pictures of codes as the platform drew them, by SHA-256 of their bytes.
CREATE TABLE entry_pictures (
  hash BYTEA            NOT NULL PRIMARY KEY,
  code TEXT COLLATE "C" NOT NULL,
  type TEXT             NOT NULL,
  body BYTEA            NOT NULL
);

-- One row for each login by a code. registered and is_new_user: as of then.
CREATE TABLE entry_scans (
  session_id  BYTEA            NOT NULL PRIMARY KEY,
  code        TEXT COLLATE "C" NOT NULL,
  app         BIGINT           NOT NULL,
  user_id     BYTEA            NOT NULL,
  scanned_at  BIGINT           NOT NULL,
  is_new_user BIGINT           NOT NULL,
  registered  BIGINT           NOT NULL
);
CREATE INDEX entry_scans_by_code ON entry_scans (code, session_id);
CREATE INDEX entry_scans_by_user ON entry_scans (user_id);

-- What a node has counted for an app within an hour (hours since 1970): lines "name=value", and a sketch of who was active.
CREATE TABLE stats (
  app    BIGINT NOT NULL,
  hour   BIGINT NOT NULL,
  node   BYTEA  NOT NULL,
  counts TEXT   NOT NULL,
  active BYTEA  NOT NULL,
  PRIMARY KEY (app, hour, node)
);
CREATE INDEX stats_by_hour ON stats (hour);
