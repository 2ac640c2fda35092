-- Beside: 0001
-- What a service provider needs: projects with a title and a switch, and what each node says of its program.

-- Beside the row in projects; one without has no title and is not disabled.
CREATE TABLE IF NOT EXISTS project_details (
  name     VARBINARY(64) NOT NULL PRIMARY KEY,
  version  BIGINT        NOT NULL,  -- of the row: two changes at once must not undo each other
  title    VARCHAR(255)  NOT NULL,
  disabled BIGINT        NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Beside the row in nodes. newest: the last migration the program knows; master_keys: the ids of those it holds, comma-separated, of which the
-- first seals.
CREATE TABLE IF NOT EXISTS node_programs (
  node_id     VARBINARY(16) NOT NULL PRIMARY KEY,
  newest      VARCHAR(64)   NOT NULL,
  master_keys VARCHAR(255)  NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
