-- Beside: 0001
-- What a service provider needs: projects with a title and a switch, and what each node says of its program.

-- Beside the row in projects; one without has no title and is not disabled.
CREATE TABLE project_details (
  name     TEXT    NOT NULL PRIMARY KEY,
  version  BIGINT  NOT NULL,  -- of the row: two changes at once must not undo each other
  title    TEXT    NOT NULL,
  disabled INTEGER NOT NULL
) WITHOUT ROWID;

-- Beside the row in nodes. newest: the last migration the program knows; master_keys: the ids of those it holds, comma-separated, of which the
-- first seals.
CREATE TABLE node_programs (
  node_id     BLOB NOT NULL PRIMARY KEY,
  newest      TEXT NOT NULL,
  master_keys TEXT NOT NULL
) WITHOUT ROWID;
