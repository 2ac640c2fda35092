-- The first schema, for MariaDB, Galera, MySQL 8, TiDB and OceanBase: no AUTO_INCREMENT, foreign keys, triggers, procedures or JSON.
--
-- A CREATE commits by itself here, so every statement can be run again after a migration that died half-way, and by two nodes at once.
--
-- Ids are 16 bytes that begin with milliseconds, so that the rows of one moment stand beside each other. Times are epoch milliseconds.
-- "…_sealed" and key1…key3 are ciphertexts of the vault. Reasons are kaimen::Reason by number; 0 means none. Every number is a BIGINT.
-- Names that are looked up or must be unique are VARBINARY: two of them are equal only if every byte is, trailing spaces and case included,
-- whatever collations the server prefers. Text that is only shown is utf8mb4.

-- Small numbers the store keeps for itself: the time of the last purge; "configuration", whose version counts changes of apps and keys.
CREATE TABLE IF NOT EXISTS meta (
  name    VARBINARY(64) NOT NULL PRIMARY KEY,
  version BIGINT        NOT NULL,
  value   BIGINT        NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The running nodes and their last heartbeats.
CREATE TABLE IF NOT EXISTS nodes (
  id         VARBINARY(16) NOT NULL PRIMARY KEY,
  version    VARCHAR(64)   NOT NULL,  -- the program's
  started_at BIGINT        NOT NULL,
  beat_at    BIGINT        NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS projects (
  name       VARBINARY(64) NOT NULL PRIMARY KEY,
  created_at BIGINT        NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
INSERT IGNORE INTO projects (name, created_at) VALUES ('default', 0);

-- A removed app keeps its row, so that its number is never given again; its secrets are wiped.
CREATE TABLE IF NOT EXISTS apps (
  number            BIGINT          NOT NULL PRIMARY KEY,
  version           BIGINT          NOT NULL,  -- of the row: two changes at once must not undo each other
  app_id            VARBINARY(128)  NOT NULL,
  live_app_id       VARBINARY(128),            -- app_id until the app is removed, then NULL
  project           VARBINARY(64)   NOT NULL,
  platform          VARBINARY(64)   NOT NULL,
  name              VARCHAR(255)    NOT NULL,
  secret_sealed     VARBINARY(1024) NOT NULL,
  old_secret_sealed VARBINARY(1024) NOT NULL,
  old_secret_until  BIGINT          NOT NULL,
  push_sealed       VARBINARY(1024) NOT NULL,  -- of message push: Token and EncodingAESKey; empty: none
  settings          TEXT            NOT NULL,  -- lines "name=value"
  upstream          VARCHAR(255)    NOT NULL,
  disabled          BIGINT          NOT NULL,
  revoked_before    BIGINT          NOT NULL,
  created_at        BIGINT          NOT NULL,
  removed_at        BIGINT,
  UNIQUE KEY apps_by_live_app_id (live_app_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS ticket_keys (
  id         BIGINT         NOT NULL PRIMARY KEY,
  kind       BIGINT         NOT NULL,  -- 0 tickets, 1 renew tokens, 2 JWTs
  key_sealed VARBINARY(255) NOT NULL,
  apps       MEDIUMTEXT     NOT NULL,  -- numbers, comma-separated; empty: all
  created_at BIGINT         NOT NULL,
  seals_from BIGINT         NOT NULL,
  retired    BIGINT         NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS access_keys (
  id           VARBINARY(16) NOT NULL PRIMARY KEY,
  name         VARCHAR(255)  NOT NULL,
  hash         VARBINARY(64) NOT NULL,
  scopes       VARCHAR(255)  NOT NULL,  -- comma-separated
  project      VARBINARY(64) NOT NULL,
  created_at   BIGINT        NOT NULL,
  last_used_at BIGINT,
  revoked_at   BIGINT,
  UNIQUE KEY access_keys_by_hash (hash)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- version counts the acts that change the user or what belongs to it: of two that decided by the same version only one is committed.
CREATE TABLE IF NOT EXISTS users (
  id               VARBINARY(16)  NOT NULL PRIMARY KEY,
  version          BIGINT         NOT NULL,
  project          VARBINARY(64)  NOT NULL,
  state            BIGINT         NOT NULL,  -- 0 active, 1 disabled, 2 deleted, 3 leaving (its deletion waits)
  disabled_until   BIGINT,  -- of leaving: when it is deleted
  disabled_message VARCHAR(1024)  NOT NULL,
  registered       BIGINT         NOT NULL,
  agreed           TEXT           NOT NULL,  -- documents and the versions agreed to last: name=version, comma-separated
  external_id      VARBINARY(255),           -- NULL: none
  nickname         VARCHAR(255)   NOT NULL,
  avatar_url       VARCHAR(2048)  NOT NULL,
  avatar_hash      VARBINARY(32),  -- of an avatar that is kept here
  gender           BIGINT         NOT NULL,
  language         VARCHAR(255)   NOT NULL,
  country          VARCHAR(255)   NOT NULL,
  province         VARCHAR(255)   NOT NULL,
  city             VARCHAR(255)   NOT NULL,
  phone_sealed     VARBINARY(512),
  phone_index      VARBINARY(64),
  roles            TEXT           NOT NULL,  -- comma-separated
  attributes       TEXT           NOT NULL,  -- a JSON object; a column of type JSON would give it back written differently
  profile_at       BIGINT         NOT NULL DEFAULT 0,  -- of the last change by the user: at a merge the newer values win
  phone_at         BIGINT         NOT NULL DEFAULT 0,
  created_at       BIGINT         NOT NULL,
  UNIQUE KEY users_by_external_id (project, external_id),
  KEY users_by_phone (project, phone_index),
  KEY users_by_avatar (avatar_hash)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Who a platform says somebody is. key1 is the newest session_key; index1 tells whether a key is the same again.
CREATE TABLE IF NOT EXISTS identities (
  provider   VARBINARY(64)  NOT NULL,
  app_id     VARBINARY(128) NOT NULL,
  subject    VARBINARY(255) NOT NULL,  -- the openid
  tenant     VARBINARY(128) NOT NULL,
  user_id    VARBINARY(16)  NOT NULL,
  unionid    VARBINARY(255) NOT NULL,
  key1       VARBINARY(255),
  key2       VARBINARY(255),
  key3       VARBINARY(255),
  index1     VARBINARY(64),
  index2     VARBINARY(64),
  index3     VARBINARY(64),
  created_at BIGINT         NOT NULL,
  PRIMARY KEY (provider, app_id, subject, tenant),
  KEY identities_by_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One user a unionid within a project and a provider; other projects have their own.
CREATE TABLE IF NOT EXISTS unionids (
  project  VARBINARY(64)  NOT NULL,
  provider VARBINARY(64)  NOT NULL,
  unionid  VARBINARY(255) NOT NULL,
  user_id  VARBINARY(16)  NOT NULL,
  PRIMARY KEY (project, provider, unionid),
  KEY unionids_by_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- purge_day (days since 1970) is when the row can go at the earliest, so that a renewal moves an index entry once a day at most.
-- In sessions_by_user, ended stands before app so that a look for live sessions does not walk through the ended ones.
CREATE TABLE IF NOT EXISTS sessions (
  id                   VARBINARY(16)  NOT NULL PRIMARY KEY,
  user_id              VARBINARY(16)  NOT NULL,
  app                  BIGINT         NOT NULL,
  openid               VARBINARY(255) NOT NULL,
  unionid              VARBINARY(255) NOT NULL,
  env                  BIGINT         NOT NULL,
  generation           BIGINT         NOT NULL,
  renew_generation     BIGINT         NOT NULL,  -- of the newest renew token; generation is the newest ticket's
  generation_issued_at BIGINT         NOT NULL,
  created_at           BIGINT         NOT NULL,
  idle_expires_at      BIGINT         NOT NULL,
  absolute_expires_at  BIGINT         NOT NULL,
  device_id            VARCHAR(255)   NOT NULL,
  device_model         VARCHAR(255)   NOT NULL,
  device_system        VARCHAR(255)   NOT NULL,
  device_platform      VARCHAR(255)   NOT NULL,
  parent               VARBINARY(16),  -- of a web-view's: the session it was handed over from
  actor                VARCHAR(255)   NOT NULL,  -- who opened it in the user's place
  entry                VARCHAR(255)   NOT NULL,  -- scene and path, as the client said
  ended                BIGINT         NOT NULL,
  ended_at             BIGINT,
  purge_day            BIGINT         NOT NULL,
  KEY sessions_by_user (user_id, ended, app),
  KEY sessions_by_purge_day (purge_day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What became of a login code: claimed by a node that asks the platform, failed (the answer is kept for those who wait), or recorded.
CREATE TABLE IF NOT EXISTS codes (
  app         BIGINT         NOT NULL,
  code_hash   VARBINARY(64)  NOT NULL,
  state       BIGINT         NOT NULL,  -- 0 recorded, 1 claimed, 2 failed
  owner       VARBINARY(16)  NOT NULL,
  error       BIGINT         NOT NULL,  -- kaimen::ErrorCode by number, of failed
  session_id  VARBINARY(16)  NOT NULL,  -- of recorded
  attempt     VARBINARY(255) NOT NULL,
  is_new_user BIGINT         NOT NULL,
  recorded_at BIGINT         NOT NULL,  -- or claimed, or failed
  PRIMARY KEY (app, code_hash),
  KEY codes_by_time (recorded_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- stamped_at is the database's time of the change: other nodes ask for what is new.
CREATE TABLE IF NOT EXISTS revocations (
  session_id VARBINARY(16) NOT NULL PRIMARY KEY,
  generation BIGINT        NOT NULL,
  reason     BIGINT        NOT NULL,
  until      BIGINT        NOT NULL,
  stamped_at BIGINT        NOT NULL,
  KEY revocations_by_until (until),
  KEY revocations_by_stamp (stamped_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What may be used only once: hashes of ciphertexts and phone codes.
CREATE TABLE IF NOT EXISTS once_marks (
  mark      VARBINARY(64) NOT NULL PRIMARY KEY,
  marked_at BIGINT        NOT NULL,
  KEY once_marks_by_time (marked_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS access_tokens (
  app_id       VARBINARY(128)  NOT NULL PRIMARY KEY,
  version      BIGINT          NOT NULL,
  token_sealed VARBINARY(4096) NOT NULL,
  expires_at   BIGINT          NOT NULL,
  fetched_at   BIGINT          NOT NULL,
  lease        BIGINT          NOT NULL,
  lease_owner  VARBINARY(16)   NOT NULL,
  lease_until  BIGINT          NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row for each act that changes something, for audit and outbox. A renewal in its regular course is not one: it would outnumber all others.
CREATE TABLE IF NOT EXISTS events (
  id         VARBINARY(16) NOT NULL PRIMARY KEY,
  at         BIGINT        NOT NULL,
  kind       VARBINARY(64) NOT NULL,
  app        BIGINT,
  user_id    VARBINARY(16),
  session_id VARBINARY(16),
  reason     BIGINT        NOT NULL,
  project    VARCHAR(255)  NOT NULL,
  actor      VARCHAR(255)  NOT NULL,  -- who acts in another's place; empty: the user
  ip         VARCHAR(255)  NOT NULL,
  detail     TEXT          NOT NULL,  -- a JSON object, or empty
  request_id VARCHAR(255)  NOT NULL,
  KEY events_by_user (user_id, id),
  KEY events_by_request (request_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Account names. Of a name its canonical form counts; hash is Argon2id's own text form.
CREATE TABLE IF NOT EXISTS passwords (
  project    VARBINARY(128) NOT NULL,
  name       VARBINARY(256) NOT NULL,  -- canonical
  user_id    VARBINARY(16)  NOT NULL,
  shown_name VARCHAR(255)   NOT NULL,
  hash       TEXT           NOT NULL,
  changed_at BIGINT         NOT NULL,
  PRIMARY KEY (project, name),
  KEY passwords_by_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Wrong passwords in a row, by a hash of project and canonical name: also of names that nobody has.
CREATE TABLE IF NOT EXISTS password_failures (
  name_hash VARBINARY(32) NOT NULL,
  version   BIGINT        NOT NULL,  -- of the row: failures at once must all count
  failures  BIGINT        NOT NULL,
  failed_at BIGINT        NOT NULL,
  PRIMARY KEY (name_hash),
  KEY password_failures_by_time (failed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What a user gave at the registration.
CREATE TABLE IF NOT EXISTS registrations (
  user_id       VARBINARY(16) NOT NULL,
  app           BIGINT        NOT NULL,
  fields        TEXT          NOT NULL,  -- a JSON object
  registered_at BIGINT        NOT NULL,
  PRIMARY KEY (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What a user has agreed to, when, and from where.
CREATE TABLE IF NOT EXISTS consents (
  user_id   VARBINARY(16)  NOT NULL,
  name      VARBINARY(128) NOT NULL,
  version   VARBINARY(128) NOT NULL,
  app       BIGINT         NOT NULL,
  agreed_at BIGINT         NOT NULL,
  ip        VARCHAR(255)   NOT NULL,
  PRIMARY KEY (user_id, name, version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Invitations to register. A code is kept as its hash.
CREATE TABLE IF NOT EXISTS invitations (
  code_hash  VARBINARY(32) NOT NULL,
  version    BIGINT        NOT NULL,  -- of the row: two users of the last invitation must not both have it
  app        BIGINT        NOT NULL,
  uses_left  BIGINT        NOT NULL,
  until      BIGINT        NOT NULL,
  created_at BIGINT        NOT NULL,
  PRIMARY KEY (code_hash)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Deletions that wait for their day.
CREATE TABLE IF NOT EXISTS deletions (
  user_id VARBINARY(16) NOT NULL,
  due_at  BIGINT        NOT NULL,
  PRIMARY KEY (user_id),
  KEY deletions_by_time (due_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Avatars that are kept here, by SHA-256 of their bytes. unused_since is set when the last user who had it has another.
CREATE TABLE IF NOT EXISTS avatars (
  hash         VARBINARY(32) NOT NULL,
  version      BIGINT        NOT NULL,  -- of the row: nobody may take it up while it is thrown away
  type         VARCHAR(255)  NOT NULL,  -- image/jpeg, …
  body         MEDIUMBLOB    NOT NULL,
  checked      BIGINT        NOT NULL,  -- 0 not asked, 1 WeChat is at it, 2 passed, 3 rejected
  created_at   BIGINT        NOT NULL,
  unused_since BIGINT,
  PRIMARY KEY (hash),
  KEY avatars_by_unused (unused_since)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Checks of avatars that WeChat answers later, by a push.
CREATE TABLE IF NOT EXISTS avatar_checks (
  trace_id VARBINARY(128) NOT NULL,
  hash     VARBINARY(32)  NOT NULL,
  user_id  VARBINARY(16)  NOT NULL,
  app      BIGINT         NOT NULL,
  asked_at BIGINT         NOT NULL,
  PRIMARY KEY (trace_id),
  KEY avatar_checks_by_user (user_id),
  KEY avatar_checks_by_time (asked_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Who is told what happens. kinds is comma-separated; empty: everything.
CREATE TABLE IF NOT EXISTS webhooks (
  id            VARBINARY(16)   NOT NULL,
  project       VARBINARY(128)  NOT NULL,
  url           VARCHAR(2048)   NOT NULL,
  secret_sealed VARBINARY(1024) NOT NULL,
  kinds         TEXT            NOT NULL,
  disabled      BIGINT          NOT NULL,
  created_at    BIGINT          NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What is to be told to a webhook, in the order of place for each user: written with what it tells of.
CREATE TABLE IF NOT EXISTS deliveries (
  webhook_id  VARBINARY(16) NOT NULL,
  id          VARBINARY(16) NOT NULL,  -- of the event
  version     BIGINT        NOT NULL,  -- of the row: of two nodes that want to send it, one does
  user_id     VARBINARY(16),
  place       BIGINT        NOT NULL,  -- the user's row's count of changes, then the place among one batch's: the order of a user's deliveries
  kind        VARCHAR(255)  NOT NULL,
  body        TEXT          NOT NULL,  -- JSON
  state       BIGINT        NOT NULL,  -- 0 due, 1 delivered, 2 given up
  due_at      BIGINT        NOT NULL,
  attempts    BIGINT        NOT NULL,
  last_status BIGINT        NOT NULL,  -- HTTP; 0: none came
  last_error  VARCHAR(255)  NOT NULL,
  settled_at  BIGINT,
  lease_until BIGINT        NOT NULL,
  PRIMARY KEY (webhook_id, id),
  KEY deliveries_by_due (webhook_id, state, due_at),
  KEY deliveries_by_user (webhook_id, user_id, state),
  KEY deliveries_by_settled (settled_at),
  KEY deliveries_by_time (due_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- For teams that JOIN. Stable across minor versions: columns may be added at the end, none is renamed or dropped.
-- Ids are 32 lower-case hex characters, times epoch milliseconds, flags 0 or 1.
--
-- kaimen_users_v1: id, project, external_id ('' none), state ('active', 'disabled', 'leaving', 'deleted'), disabled_until (NULL: without end),
-- registered, nickname, avatar_url, gender (0 unknown, 1 male, 2 female), language, country, province, city, has_phone, roles
-- (comma-separated), attributes (a JSON object as text), created_at.
CREATE OR REPLACE VIEW kaimen_users_v1 AS
SELECT LOWER(HEX(id)) AS id,
       CONVERT(project USING utf8mb4) AS project,
       COALESCE(CONVERT(external_id USING utf8mb4), '') AS external_id,
       CASE state WHEN 0 THEN 'active' WHEN 1 THEN 'disabled' WHEN 3 THEN 'leaving' ELSE 'deleted' END AS state,
       disabled_until,
       registered,
       nickname,
       CASE WHEN avatar_hash IS NULL THEN avatar_url ELSE concat('/avatars/', lower(hex(avatar_hash))) END AS avatar_url,
       gender,
       language,
       country,
       province,
       city,
       CASE WHEN phone_sealed IS NULL THEN 0 ELSE 1 END AS has_phone,
       roles,
       attributes,
       created_at
FROM users;

-- kaimen_identities_v1: user_id, project, provider ('wechat', …), app_id (the platform's), openid, unionid ('' not known), created_at.
CREATE OR REPLACE VIEW kaimen_identities_v1 AS
SELECT LOWER(HEX(i.user_id)) AS user_id,
       CONVERT(u.project USING utf8mb4) AS project,
       CONVERT(i.provider USING utf8mb4) AS provider,
       CONVERT(i.app_id USING utf8mb4) AS app_id,
       CONVERT(i.subject USING utf8mb4) AS openid,
       CONVERT(i.unionid USING utf8mb4) AS unionid,
       i.created_at AS created_at
FROM identities i
JOIN users u ON u.id = i.user_id;
