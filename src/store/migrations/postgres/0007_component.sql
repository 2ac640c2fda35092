-- Beside: 0001
-- WeChat's third-party platforms (components): apps of the platform wechat_component, and those that have authorised one and have no secret of
-- their own.

-- The newest component_verify_ticket that WeChat has pushed. made_at: as WeChat says.
CREATE TABLE component_tickets (
  app_id        TEXT COLLATE "C" NOT NULL PRIMARY KEY,  -- the component's
  version       BIGINT NOT NULL DEFAULT 0,
  ticket_sealed BYTEA   NOT NULL,
  made_at       BIGINT NOT NULL
);

-- An app's authorisation of a component. refresh_sealed: the authorizer_refresh_token; permissions: ids of permission sets, comma-separated;
-- pushed_at: when the newest push about it was made, as WeChat says.
CREATE TABLE authorizations (
  app_id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,  -- of the app that has authorised
  version        BIGINT  NOT NULL DEFAULT 0,
  component      TEXT    NOT NULL,  -- app_id
  refresh_sealed BYTEA    NOT NULL,
  permissions    TEXT    NOT NULL,
  stands         BIGINT  NOT NULL,
  pushed_at      BIGINT  NOT NULL,
  authorized_at  BIGINT  NOT NULL
);
CREATE INDEX authorizations_by_component ON authorizations (component);

-- Links to WeChat's page where an administrator authorises a component, by SHA-256 of the pre_auth_code in them.
CREATE TABLE component_links (
  hash       BYTEA   NOT NULL PRIMARY KEY,
  version    BIGINT NOT NULL DEFAULT 0,
  component  TEXT   NOT NULL,  -- app_id
  project    TEXT   NOT NULL,  -- where the app comes to
  return_to  TEXT   NOT NULL,  -- where the browser goes afterwards; empty: nowhere
  app_id     TEXT   NOT NULL,  -- of the app that has authorised by it; empty: none yet
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,  -- when its pre_auth_code dies
  only_app   TEXT   NOT NULL   -- app_id of the only one that may authorise by it; empty: any
);
CREATE INDEX component_links_by_time ON component_links (created_at);
