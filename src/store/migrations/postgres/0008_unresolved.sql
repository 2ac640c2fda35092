-- Beside: 0001
-- Identities that a team's backend (resolve_url) has been asked about and has not answered yet.

-- mark: SHA-256 of provider, app_id and openid, so that nothing of a person is left when the user goes; since: of the first question;
-- again_at: before this it is not asked again.
CREATE TABLE unresolved (
  mark     BYTEA  NOT NULL PRIMARY KEY,
  since    BIGINT NOT NULL,
  again_at BIGINT NOT NULL
);
CREATE INDEX unresolved_by_time ON unresolved (again_at);
