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
  push_sealed       BYTEA  NOT NULL,  -- of message push: Token and EncodingAESKey; empty: none
  settings          TEXT   NOT NULL,  -- lines "name=value"
  upstream          TEXT   NOT NULL,
  disabled          BIGINT NOT NULL,
  revoked_before    BIGINT NOT NULL,
  created_at        BIGINT NOT NULL,
  removed_at        BIGINT
);

CREATE TABLE ticket_keys (
  id         BIGINT NOT NULL PRIMARY KEY,
  kind       BIGINT NOT NULL,  -- 0 tickets, 1 renew tokens, 2 JWTs
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
  state            BIGINT NOT NULL DEFAULT 0,  -- 0 active, 1 disabled, 2 deleted, 3 leaving (its deletion waits)
  disabled_until   BIGINT,  -- of leaving: when it is deleted
  disabled_message TEXT   NOT NULL DEFAULT '',
  registered       BIGINT NOT NULL DEFAULT 1,
  agreed           TEXT   NOT NULL DEFAULT '',  -- documents and the versions agreed to last: name=version, comma-separated
  external_id      TEXT COLLATE "C",
  nickname         TEXT   NOT NULL DEFAULT '',
  avatar_url       TEXT   NOT NULL DEFAULT '',
  avatar_hash      BYTEA,  -- of an avatar that is kept here
  gender           BIGINT NOT NULL DEFAULT 0,
  language         TEXT   NOT NULL DEFAULT '',
  country          TEXT   NOT NULL DEFAULT '',
  province         TEXT   NOT NULL DEFAULT '',
  city             TEXT   NOT NULL DEFAULT '',
  phone_sealed     BYTEA,
  phone_index      BYTEA,
  roles            TEXT   NOT NULL DEFAULT '',  -- comma-separated
  attributes       TEXT   NOT NULL DEFAULT '{}',
  profile_at       BIGINT NOT NULL DEFAULT 0,  -- of the last change by the user: at a merge the newer values win
  phone_at         BIGINT NOT NULL DEFAULT 0,
  created_at       BIGINT NOT NULL,
  UNIQUE (project, external_id)
);
CREATE INDEX users_by_phone ON users (project, phone_index);
CREATE INDEX users_by_avatar ON users (avatar_hash) WHERE avatar_hash IS NOT NULL;

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
CREATE INDEX unionids_by_user ON unionids (user_id);

-- purge_day (days since 1970) is when the row can go at the earliest, so that a renewal moves an index entry once a day at most.
CREATE TABLE sessions (
  id                   BYTEA  NOT NULL PRIMARY KEY,
  user_id              BYTEA  NOT NULL,
  app                  BIGINT NOT NULL,
  openid               TEXT   NOT NULL,
  unionid              TEXT   NOT NULL,
  env                  BIGINT NOT NULL,
  generation           BIGINT NOT NULL,
  renew_generation     BIGINT NOT NULL,  -- of the newest renew token; generation is the newest ticket's
  generation_issued_at BIGINT NOT NULL,
  created_at           BIGINT NOT NULL,
  idle_expires_at      BIGINT NOT NULL,
  absolute_expires_at  BIGINT NOT NULL,
  device_id            TEXT   NOT NULL,
  device_model         TEXT   NOT NULL,
  device_system        TEXT   NOT NULL,
  device_platform      TEXT   NOT NULL,
  parent               BYTEA,  -- of a web-view's: the session it was handed over from
  actor                TEXT   NOT NULL,  -- who opened it in the user's place
  entry                TEXT   NOT NULL,  -- scene and path, as the client said
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
  project    TEXT   NOT NULL,
  actor      TEXT   NOT NULL,  -- who acts in another's place; empty: the user
  ip         TEXT   NOT NULL,
  detail     TEXT   NOT NULL,  -- a JSON object, or empty
  request_id TEXT   NOT NULL
);
CREATE INDEX events_by_user ON events (user_id, id);
CREATE INDEX events_by_request ON events (request_id);

-- Account names. Of a name its canonical form counts; hash is Argon2id's own text form.
CREATE TABLE passwords (
  project    TEXT COLLATE "C" NOT NULL,
  name       TEXT COLLATE "C" NOT NULL,  -- canonical
  user_id    BYTEA  NOT NULL,
  shown_name TEXT   NOT NULL,
  hash       TEXT   NOT NULL,
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (project, name)
);
CREATE INDEX passwords_by_user ON passwords (user_id);

-- Wrong passwords in a row, by a hash of project and canonical name: also of names that nobody has.
CREATE TABLE password_failures (
  name_hash BYTEA  NOT NULL,
  version   BIGINT NOT NULL,  -- of the row: failures at once must all count
  failures  BIGINT NOT NULL,
  failed_at BIGINT NOT NULL,
  PRIMARY KEY (name_hash)
);
CREATE INDEX password_failures_by_time ON password_failures (failed_at);

-- What a user gave at the registration.
CREATE TABLE registrations (
  user_id       BYTEA  NOT NULL,
  app           BIGINT NOT NULL,
  fields        TEXT   NOT NULL,  -- a JSON object
  registered_at BIGINT NOT NULL,
  PRIMARY KEY (user_id)
);

-- What a user has agreed to, when, and from where.
CREATE TABLE consents (
  user_id   BYTEA  NOT NULL,
  name      TEXT COLLATE "C" NOT NULL,
  version   TEXT COLLATE "C" NOT NULL,
  app       BIGINT NOT NULL,
  agreed_at BIGINT NOT NULL,
  ip        TEXT   NOT NULL,
  PRIMARY KEY (user_id, name, version)
);

-- Invitations to register. A code is kept as its hash.
CREATE TABLE invitations (
  code_hash  BYTEA  NOT NULL,
  version    BIGINT NOT NULL,  -- of the row: two users of the last invitation must not both have it
  app        BIGINT NOT NULL,
  uses_left  BIGINT NOT NULL,
  until      BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (code_hash)
);

-- Deletions that wait for their day.
CREATE TABLE deletions (
  user_id BYTEA  NOT NULL,
  due_at  BIGINT NOT NULL,
  PRIMARY KEY (user_id)
);
CREATE INDEX deletions_by_time ON deletions (due_at);

-- Avatars that are kept here, by SHA-256 of their bytes. unused_since is set when the last user who had it has another.
CREATE TABLE avatars (
  hash         BYTEA  NOT NULL,
  version      BIGINT NOT NULL,  -- of the row: nobody may take it up while it is thrown away
  type         TEXT   NOT NULL,  -- image/jpeg, …
  body         BYTEA  NOT NULL,
  checked      BIGINT NOT NULL,  -- 0 not asked, 1 WeChat is at it, 2 passed, 3 rejected
  created_at   BIGINT NOT NULL,
  unused_since BIGINT,
  PRIMARY KEY (hash)
);
CREATE INDEX avatars_by_unused ON avatars (unused_since);

-- Checks of avatars that WeChat answers later, by a push.
CREATE TABLE avatar_checks (
  trace_id TEXT COLLATE "C" NOT NULL,
  hash     BYTEA  NOT NULL,
  user_id  BYTEA  NOT NULL,
  app      BIGINT NOT NULL,
  asked_at BIGINT NOT NULL,
  PRIMARY KEY (trace_id)
);
CREATE INDEX avatar_checks_by_user ON avatar_checks (user_id);
CREATE INDEX avatar_checks_by_time ON avatar_checks (asked_at);

-- Who is told what happens. kinds is comma-separated; empty: everything.
CREATE TABLE webhooks (
  id            BYTEA  NOT NULL,
  project       TEXT COLLATE "C" NOT NULL,
  url           TEXT   NOT NULL,
  secret_sealed BYTEA  NOT NULL,
  kinds         TEXT   NOT NULL,
  disabled      BIGINT NOT NULL,
  created_at    BIGINT NOT NULL,
  PRIMARY KEY (id)
);

-- What is to be told to a webhook, in the order of place for each user: written with what it tells of.
CREATE TABLE deliveries (
  webhook_id  BYTEA  NOT NULL,
  id          BYTEA  NOT NULL,  -- of the event
  version     BIGINT NOT NULL,  -- of the row: of two nodes that want to send it, one does
  user_id     BYTEA,
  place       BIGINT NOT NULL,  -- the user's row's count of changes, then the place among one batch's: the order of a user's deliveries
  kind        TEXT   NOT NULL,
  body        TEXT   NOT NULL,  -- JSON
  state       BIGINT NOT NULL,  -- 0 due, 1 delivered, 2 given up
  due_at      BIGINT NOT NULL,
  attempts    BIGINT NOT NULL,
  last_status BIGINT NOT NULL,  -- HTTP; 0: none came
  last_error  TEXT   NOT NULL,
  settled_at  BIGINT,
  lease_until BIGINT NOT NULL,
  PRIMARY KEY (webhook_id, id)
);
CREATE INDEX deliveries_by_due ON deliveries (webhook_id, state, due_at);
CREATE INDEX deliveries_by_user ON deliveries (webhook_id, user_id, state);
CREATE INDEX deliveries_by_settled ON deliveries (settled_at);
CREATE INDEX deliveries_by_time ON deliveries (due_at);

-- For teams that JOIN. Stable across minor versions: columns may be added at the end, none is renamed or dropped.
-- Ids are 32 lower-case hex characters, times epoch milliseconds, flags 0 or 1.
--
-- kaimen_users_v1: id, project, external_id ('' none), state ('active', 'disabled', 'leaving', 'deleted'), disabled_until (NULL: without end),
-- registered, nickname, avatar_url, gender (0 unknown, 1 male, 2 female), language, country, province, city, has_phone, roles
-- (comma-separated), attributes (a JSON object as text), created_at.
CREATE VIEW kaimen_users_v1 AS
SELECT encode(id, 'hex') AS id,
       project,
       coalesce(external_id, '') AS external_id,
       CASE state WHEN 0 THEN 'active' WHEN 1 THEN 'disabled' WHEN 3 THEN 'leaving' ELSE 'deleted' END AS state,
       disabled_until,
       registered,
       nickname,
       CASE WHEN avatar_hash IS NULL THEN avatar_url ELSE concat('/avatars/', encode(avatar_hash, 'hex')) END AS avatar_url,
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
