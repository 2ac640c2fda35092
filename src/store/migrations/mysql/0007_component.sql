-- Beside: 0001
-- WeChat's third-party platforms (components): apps of the platform wechat_component, and those that have authorised one and have no secret of
-- their own.

-- The newest component_verify_ticket that WeChat has pushed. made_at: as WeChat says.
CREATE TABLE IF NOT EXISTS component_tickets (
  app_id        VARBINARY(128) NOT NULL PRIMARY KEY,  -- the component's
  version       BIGINT NOT NULL,
  ticket_sealed VARBINARY(4096) NOT NULL,
  made_at       BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- An app's authorisation of a component. refresh_sealed: the authorizer_refresh_token; permissions: ids of permission sets, comma-separated;
-- pushed_at: when the newest push about it was made, as WeChat says.
CREATE TABLE IF NOT EXISTS authorizations (
  app_id         VARBINARY(128) NOT NULL PRIMARY KEY,  -- of the app that has authorised
  version        BIGINT  NOT NULL,
  component      VARBINARY(128) NOT NULL,  -- app_id
  refresh_sealed VARBINARY(4096) NOT NULL,
  permissions    VARCHAR(1024)  NOT NULL,
  stands         BIGINT  NOT NULL,
  pushed_at      BIGINT  NOT NULL,
  authorized_at  BIGINT  NOT NULL,
  KEY authorizations_by_component (component)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Links to WeChat's page where an administrator authorises a component, by SHA-256 of the pre_auth_code in them.
CREATE TABLE IF NOT EXISTS component_links (
  hash       VARBINARY(32) NOT NULL PRIMARY KEY,
  version    BIGINT NOT NULL,
  component  VARBINARY(128) NOT NULL,  -- app_id
  project    VARBINARY(64) NOT NULL,  -- where the app comes to
  return_to  VARCHAR(1024) NOT NULL,  -- where the browser goes afterwards; empty: nowhere
  app_id     VARBINARY(128) NOT NULL,  -- of the app that has authorised by it; empty: none yet
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,  -- when its pre_auth_code dies
  only_app   VARBINARY(128) NOT NULL,  -- app_id of the only one that may authorise by it; empty: any
  KEY component_links_by_time (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
