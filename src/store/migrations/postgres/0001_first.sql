-- The first schema, for PostgreSQL and what speaks like it. The same tables and columns as for the other engines: no triggers, no
-- sequences, no foreign keys, no JSON.
--
-- All numbers, flags and enumerations are BIGINT, so that every statement binds the same three types. Text that is a key or is sorted has
-- COLLATE "C": bytes are compared, on every machine alike, and an index does not go stale with the system's locale tables.
-- Ids are 16 bytes that begin with milliseconds, so that the rows of one moment stand beside each other. Times are epoch milliseconds.
-- "…_sealed" and key1…key3 are ciphertexts of the vault. Reasons are kaimen::Reason by number; 0 means none.

-- Small numbers the store keeps for itself, e.g. the time of the last purge.
CREATE TABLE meta (
  name    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL DEFAULT 0,  -- of the row: two changes at once must not undo each other
  value   BIGINT NOT NULL
);

-- The nodes that run on this store, by their heartbeats.
CREATE TABLE nodes (
  id         BYTEA  NOT NULL PRIMARY KEY,
  version    TEXT   NOT NULL,  -- the program's
  started_at BIGINT NOT NULL,
  beat_at    BIGINT NOT NULL
);

CREATE TABLE projects (
  name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  created_at BIGINT NOT NULL
);
INSERT INTO projects (name, created_at) VALUES ('default', 0);

-- A removed app keeps its row, so that its number is never given again; its secrets are wiped, and live_app_id is NULL.
CREATE TABLE apps (
  number            BIGINT NOT NULL PRIMARY KEY,
  version           BIGINT NOT NULL DEFAULT 0,  -- of the row: two changes at once must not undo each other
  app_id            TEXT   NOT NULL,
  live_app_id       TEXT COLLATE "C" UNIQUE,  -- app_id while the app is there
  project           TEXT   NOT NULL,
  platform          TEXT   NOT NULL,
  name              TEXT   NOT NULL,
  secret_sealed     BYTEA  NOT NULL,
  old_secret_sealed BYTEA  NOT NULL,
  old_secret_until  BIGINT NOT NULL,
  settings          TEXT   NOT NULL,  -- lines "name=value"
  upstream          TEXT   NOT NULL,
  disabled          BIGINT NOT NULL,
  revoked_before    BIGINT NOT NULL,
  created_at        BIGINT NOT NULL,
  removed_at        BIGINT
);

CREATE TABLE ticket_keys (
  id         BIGINT NOT NULL PRIMARY KEY,
  renew      BIGINT NOT NULL,
  key_sealed BYTEA  NOT NULL,
  apps       TEXT   NOT NULL,  -- numbers, comma-separated; empty: all
  created_at BIGINT NOT NULL,
  seals_from BIGINT NOT NULL,
  retired    BIGINT NOT NULL
);

CREATE TABLE access_keys (
  id           BYTEA  NOT NULL PRIMARY KEY,
  name         TEXT   NOT NULL,
  hash         BYTEA  NOT NULL UNIQUE,
  scopes       TEXT   NOT NULL,  -- comma-separated
  project      TEXT   NOT NULL,
  created_at   BIGINT NOT NULL,
  last_used_at BIGINT,
  revoked_at   BIGINT
);

-- version counts the acts that make, renew or end sessions of the user: on engines with several connections its UPDATE puts them in order.
CREATE TABLE users (
  id               BYTEA  NOT NULL PRIMARY KEY,
  version          BIGINT NOT NULL DEFAULT 0,
  project          TEXT COLLATE "C" NOT NULL,
  state            BIGINT NOT NULL DEFAULT 0,  -- 0 active, 1 disabled, 2 deleted
  disabled_until   BIGINT,
  disabled_message TEXT   NOT NULL DEFAULT '',
  registered       BIGINT NOT NULL DEFAULT 1,
  external_id      TEXT COLLATE "C",
  nickname         TEXT   NOT NULL DEFAULT '',
  avatar_url       TEXT   NOT NULL DEFAULT '',
  gender           BIGINT NOT NULL DEFAULT 0,
  language         TEXT   NOT NULL DEFAULT '',
  country          TEXT   NOT NULL DEFAULT '',
  province         TEXT   NOT NULL DEFAULT '',
  city             TEXT   NOT NULL DEFAULT '',
  phone_sealed     BYTEA,
  phone_index      BYTEA,
  roles            TEXT   NOT NULL DEFAULT '',  -- comma-separated
  attributes       TEXT   NOT NULL DEFAULT '{}',
  created_at       BIGINT NOT NULL,
  UNIQUE (project, external_id)
);
CREATE INDEX users_by_phone ON users (project, phone_index);

-- Who a platform says somebody is. key1 is the newest session_key; index1 tells whether a key is the same again.
CREATE TABLE identities (
  provider   TEXT COLLATE "C" NOT NULL,
  app_id     TEXT COLLATE "C" NOT NULL,
  subject    TEXT COLLATE "C" NOT NULL,  -- the openid
  tenant     TEXT COLLATE "C" NOT NULL,
  user_id    BYTEA  NOT NULL,
  unionid    TEXT   NOT NULL DEFAULT '',
  key1       BYTEA,
  key2       BYTEA,
  key3       BYTEA,
  index1     BYTEA,
  index2     BYTEA,
  index3     BYTEA,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (provider, app_id, subject, tenant)
);
CREATE INDEX identities_by_user ON identities (user_id);

-- One user a unionid within a project and a provider; other projects have their own.
CREATE TABLE unionids (
  project  TEXT COLLATE "C" NOT NULL,
  provider TEXT COLLATE "C" NOT NULL,
  unionid  TEXT COLLATE "C" NOT NULL,
  user_id  BYTEA NOT NULL,
  PRIMARY KEY (project, provider, unionid)
);

-- purge_day (days since 1970) is when the row can go at the earliest, so that a renewal moves an index entry once a day at most.
CREATE TABLE sessions (
  id                   BYTEA  NOT NULL PRIMARY KEY,
  user_id              BYTEA  NOT NULL,
  app                  BIGINT NOT NULL,
  openid               TEXT   NOT NULL,
  unionid              TEXT   NOT NULL,
  env                  BIGINT NOT NULL,
  generation           BIGINT NOT NULL,
  generation_issued_at BIGINT NOT NULL,
  created_at           BIGINT NOT NULL,
  idle_expires_at      BIGINT NOT NULL,
  absolute_expires_at  BIGINT NOT NULL,
  device_id            TEXT   NOT NULL,
  device_model         TEXT   NOT NULL,
  device_system        TEXT   NOT NULL,
  device_platform      TEXT   NOT NULL,
  ended                BIGINT NOT NULL DEFAULT 0,
  ended_at             BIGINT,
  purge_day            BIGINT NOT NULL
);
-- ended stands before app so that a look for live sessions does not walk through the ended ones.
CREATE INDEX sessions_by_user ON sessions (user_id, ended, app);
CREATE INDEX sessions_by_purge_day ON sessions (purge_day);

-- What became of a login code: who works on it, how it failed, or the session it made.
CREATE TABLE codes (
  app         BIGINT NOT NULL,
  code_hash   BYTEA  NOT NULL,
  state       BIGINT NOT NULL,  -- 0 recorded, 1 claimed, 2 failed
  owner       BYTEA  NOT NULL,
  error       BIGINT NOT NULL,  -- kaimen::ErrorCode by number, of failed
  session_id  BYTEA  NOT NULL,  -- of recorded
  attempt     TEXT   NOT NULL,
  is_new_user BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,  -- or claimed, or settled
  PRIMARY KEY (app, code_hash)
);
CREATE INDEX codes_by_time ON codes (recorded_at);

-- stamped_at is the database's time of the transaction that wrote the row: the other nodes follow it.
CREATE TABLE revocations (
  session_id BYTEA  NOT NULL PRIMARY KEY,
  generation BIGINT NOT NULL,
  reason     BIGINT NOT NULL,
  until      BIGINT NOT NULL,
  stamped_at BIGINT NOT NULL
);
CREATE INDEX revocations_by_until ON revocations (until);
CREATE INDEX revocations_by_stamp ON revocations (stamped_at);

-- What may be used only once: hashes of ciphertexts and phone codes.
CREATE TABLE once_marks (
  mark      BYTEA  NOT NULL PRIMARY KEY,
  marked_at BIGINT NOT NULL
);
CREATE INDEX once_marks_by_time ON once_marks (marked_at);

CREATE TABLE access_tokens (
  app_id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  version      BIGINT NOT NULL DEFAULT 0,  -- of the row: of two nodes that want the lease, one gets it
  token_sealed BYTEA  NOT NULL,
  expires_at   BIGINT NOT NULL,
  fetched_at   BIGINT NOT NULL,
  lease        BIGINT NOT NULL,
  lease_owner  BYTEA  NOT NULL,
  lease_until  BIGINT NOT NULL
);

-- One row for each act that changes something, for audit and outbox. A renewal in its regular course is not one: it would outnumber all
-- others.
CREATE TABLE events (
  id         BYTEA  NOT NULL PRIMARY KEY,
  at         BIGINT NOT NULL,
  kind       TEXT   NOT NULL,
  app        BIGINT,
  user_id    BYTEA,
  session_id BYTEA,
  reason     BIGINT NOT NULL,
  request_id TEXT   NOT NULL
);

-- For teams that JOIN. Stable across minor versions: columns may be added at the end, none is renamed or dropped.
-- Ids are 32 lower-case hex characters, times epoch milliseconds, flags 0 or 1.
--
-- kaimen_users_v1: id, project, external_id ('' none), state ('active', 'disabled', 'deleted'), disabled_until (NULL: without end),
-- registered, nickname, avatar_url, gender (0 unknown, 1 male, 2 female), language, country, province, city, has_phone, roles
-- (comma-separated), attributes (a JSON object as text), created_at.
CREATE VIEW kaimen_users_v1 AS
SELECT encode(id, 'hex') AS id,
       project,
       coalesce(external_id, '') AS external_id,
       CASE state WHEN 0 THEN 'active' WHEN 1 THEN 'disabled' ELSE 'deleted' END AS state,
       disabled_until,
       registered,
       nickname,
       avatar_url,
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
CREATE VIEW kaimen_identities_v1 AS
SELECT encode(i.user_id, 'hex') AS user_id,
       u.project AS project,
       i.provider AS provider,
       i.app_id AS app_id,
       i.subject AS openid,
       i.unionid AS unionid,
       i.created_at AS created_at
FROM identities i
JOIN users u ON u.id = i.user_id;
