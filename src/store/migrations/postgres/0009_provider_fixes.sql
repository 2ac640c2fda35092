-- Beside: 0001
-- The users of one project in the order of their ids: lists, and the removal of a project, walk through them and nobody else's.
CREATE INDEX IF NOT EXISTS users_in_project ON users (project, id);
